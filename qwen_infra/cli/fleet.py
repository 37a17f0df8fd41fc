"""``qwen-infra fleet``: what all stacks run, and rolling a change through them."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qwen_infra.fleet import Seen, StackState, StackStatus
    from qwen_infra.planning import DeploymentPlan

__all__ = ["app"]

app = typer.Typer(
    help="See what all stacks run, and roll a change through them.", no_args_is_help=True, rich_markup_mode=None
)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


@app.callback()
def fleet() -> None:
    """See what all stacks run, and roll a change through them."""


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
    max_age_days: Annotated[float, typer.Option(help="Longest time since the last verification and benchmark.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Show what every stack runs: revision, digest, last verification and benchmark, drift.

    Reads each stack's state (any backend, no passphrase) and its pods, all stacks at the same time. Exit code 1 when
    one has drifted or failed, 3 when one cannot be read and none is worse, 0 otherwise.

    Examples:
    qwen-infra fleet status
    qwen-infra fleet status --stack prod-eu --stack prod-us --drift full
    qwen-infra fleet status --drift off --json
    """
    from datetime import UTC, datetime
    from pathlib import Path

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
    from pathlib import Path

    from qwen_infra.cli.drift import compare_servers
    from qwen_infra.drift import compare_spec
    from qwen_infra.fleet import look_at_pods

    seen = look_at_pods(plans, state)
    differences = (*seen.differences, *compare_spec(state.stack, Path()), *compare_servers(plans))
    return replace(seen, differences=differences)


def _choose_exit_code(found: "Sequence[StackStatus]") -> int:
    conditions = {each.condition for each in found}
    if conditions & {"drifted", "failed"}:
        return 1
    return 3 if conditions & {"unreadable", "unreachable"} else 0
