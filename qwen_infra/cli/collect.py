"""``qwen-infra collect``: results of the verification that runs on a schedule, from the cluster into the history."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from qwen_infra.checks.collecting import ScheduledRun

__all__ = ["collect"]


def collect(
    stack: Annotated[str, typer.Option(help="Stack whose runs are collected.")],
    server: Annotated[str | None, typer.Option(help="Only this server's, where the stack has several models.")] = None,
    results: Annotated[Path, typer.Option(help="Folder of the history.")] = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Keep the results of scheduled verifications; exit code 1 when the newest failed.

    The CronJob of `verification.schedule` leaves each result in its pod's log. What was collected before stays as it
    is, so that this may run as often as wanted.

    Example: qwen-infra collect --stack mine
    """
    from dataclasses import asdict

    from qwen_infra.checks.collecting import collect_runs
    from qwen_infra.cli.output import print_json
    from qwen_infra.cli.stack_endpoint import choose_plan, kubectl_of, load_plans
    from qwen_infra.errors import ConfigurationError
    from qwen_infra.manifests import decide_names

    plans = load_plans(stack)
    plans = (choose_plan(plans, server),) if server else plans
    scheduled = [plan for plan in plans if plan.verification.schedule is not None]
    if not scheduled:
        raise ConfigurationError(
            "the stack has no scheduled verification",
            where="qwen-infra:verification.schedule",
            expected="a cron expression, such as '0 4 * * *'",
            mend=f"pulumi config set --stack {stack} --path 'qwen-infra:verification.schedule' '0 4 * * *'",
        )
    found: dict[str, list[ScheduledRun]] = {}
    for plan in scheduled:
        names = decide_names(plan)
        found[plan.server.name] = collect_runs(
            kubectl_of(plan), names.namespace, names.verification, root=results, stack=stack, server=plan.server.name
        )
    if as_json:
        print_json({"runs": [{"server": name, **asdict(run)} for name, runs in found.items() for run in runs]})
    else:
        for name, runs in found.items():
            _tell(name, runs)
    raise typer.Exit(1 if any(_is_bad(runs) for runs in found.values()) else 0)


def _is_bad(runs: "list[ScheduledRun]") -> bool:
    """By the newest run that has ended."""
    ended = [run for run in runs if run.status != "running"]
    return bool(ended) and ended[-1].status != "passed"


def _tell(server: str, runs: "list[ScheduledRun]") -> None:
    from qwen_infra.cli.output import print_table, say

    if not runs:
        say(f"{server}: the cluster has no run yet")
        return
    rows = [
        (run.began_at.strftime("%m-%d %H:%M"), server, run.status, "new" if run.is_new else "", run.summary)
        for run in runs
    ]
    print_table(("began", "server", "status", "kept", "summary"), rows)
