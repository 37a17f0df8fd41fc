"""``qwen-infra fleet``: what all stacks run, and rolling a change through them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from qwen_infra.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qwen_infra.fleet import Seen, StackState, StackStatus
    from qwen_infra.planning import DeploymentPlan

__all__ = ["app"]

app = typer.Typer(
    help="See what all stacks run, and roll a change through them.", no_args_is_help=True, rich_markup_mode=None
)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


@app.command()
def status(
    stack: Annotated[
        list[str] | None, typer.Option(help="Stack to look at; may be given several times. Default: every stack file.")
    ] = None,
    drift: Annotated[
        Literal["off", "pods", "full"],
        typer.Option(
            help="How far to look: Pulumi's state only; pods too, one request a server; or all that "
            "`qwen-infra drift` compares, which asks the engine and each server."
        ),
    ] = "pods",
    max_age_days: Annotated[
        float, typer.Option(min=0, help="Longest time since the last verification and benchmark.")
    ] = 30,
    as_json: AsJson = False,
) -> None:
    """Show what every stack runs, and how it is.

    Model, revision, digest, last verification and benchmark, drift. Reads each stack's state (any backend, no
    passphrase) and its pods, all stacks at the same time. Exit code 1 when one has drifted or failed, 3 when one
    cannot be read and none is worse, 0 otherwise.

    Examples:
    qwen-infra fleet status
    qwen-infra fleet status --stack mine --drift full
    qwen-infra fleet status --drift off --json
    """
    from datetime import UTC, datetime

    from qwen_infra.cli.fleet_table import describe_fleet, print_fleet
    from qwen_infra.cli.output import print_json
    from qwen_infra.errors import ConfigurationError
    from qwen_infra.fleet import list_stacks, look_at_pods, read_all, require_pulumi

    names = list(dict.fromkeys(stack or [item.name for item in list_stacks(Path())]))
    if not names:
        raise ConfigurationError(
            "there is no stack file in this folder", where="--stack", mend="run this in the folder of Pulumi.yaml"
        )
    require_pulumi()
    look = {"off": _look_at_nothing, "pods": look_at_pods, "full": _look_at_all}[drift]
    now = datetime.now(UTC)
    found = read_all(names, Path(), look, now, max_age_days)
    if as_json:
        print_json(describe_fleet(found, now))
    else:
        print_fleet(found, now)
    raise typer.Exit(_choose_exit_code(found))


def _look_at_nothing(_plans: "Sequence[DeploymentPlan]", _state: "StackState") -> "Seen":
    from qwen_infra.fleet import Seen

    return Seen()


def _look_at_all(plans: "Sequence[DeploymentPlan]", state: "StackState") -> "Seen":
    from dataclasses import replace

    from qwen_infra.cli.drift import compare_scheduled_runs, compare_servers
    from qwen_infra.drift import compare_spec
    from qwen_infra.fleet import look_at_pods

    seen = look_at_pods(plans, state)
    scheduled = [each for plan in plans for each in compare_scheduled_runs(plan)]
    recorded = compare_spec(state.stack, Path())
    differences = (*seen.differences, *scheduled, *recorded, *compare_servers(plans))
    return replace(seen, differences=differences)


def _choose_exit_code(found: "Sequence[StackStatus]") -> int:
    conditions = {each.condition for each in found}
    if conditions & {"drifted", "failed"}:
        return 1
    return 3 if conditions & {"unreadable", "unreachable"} else 0


@app.command()
def rollout(
    order: Annotated[str, typer.Option(help="Stacks from first to last, separated by commas.")],
    preview: Annotated[bool, typer.Option("--preview", help="Only preview each stack; nothing is touched.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Begin without asking.")] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Roll every stack again, also those that passed with this change.")
    ] = False,
    bake_minutes: Annotated[
        float,
        typer.Option(min=0, help="How long a stack runs before its pods are looked at again."),
    ] = 0,
    allow_unverified: Annotated[
        bool, typer.Option("--allow-unverified", help="Let pass what its stack file does not verify.")
    ] = False,
    policy_pack: Annotated[str | None, typer.Option(help="A CrossGuard pack for every preview and up.")] = None,
    record: Annotated[Path, typer.Option(help="Where what was done is kept; the next run goes on from it.")] = Path(
        "results/fleet-rollout.json"
    ),
    as_json: AsJson = False,
) -> None:
    """Deploy a change stack by stack until a gate fails.

    The next run goes on with the stack that failed. A stack passes when `pulumi up` succeeds, every server was
    verified, and no check failed. A stack that passed with the same stack file and program is skipped, unless
    somebody deployed it since. Ctrl-C lets Pulumi end the operation that runs. Exit code 1 when a gate fails;
    nothing after it is touched.

    Examples:
    qwen-infra fleet rollout --order staging-eu,prod-eu,prod-us --preview
    qwen-infra fleet rollout --order staging-eu,prod-eu,prod-us --yes
    """
    from qwen_infra.cli.fleet_rollout import confirm, show_steps
    from qwen_infra.fleet import Record, Rollout, open_record, plan_rollout, preview_rollout, require_pulumi, roll

    require_pulumi()
    stacks = tuple(name.strip() for name in order.split(",") if name.strip())
    wanted = Rollout(stacks, Path(), bake_minutes * 60, allow_unverified, policy_pack)
    if preview:
        plan_rollout(wanted, Record(record))  # refuses what a rollout would refuse
        done = preview_rollout(wanted, say)
    else:
        with open_record(record) as kept:
            steps = plan_rollout(wanted, kept, restart=restart)
            confirm(steps, yes=yes)
            done = roll(wanted, steps, kept, say)
    show_steps(done, as_json=as_json, preview=preview)
    results = {step.result for step in done}
    raise typer.Exit(130 if "interrupted" in results else 1 if "failed" in results else 0)
