"""What ``qwen-infra fleet rollout`` asks before it begins, and shows at its end."""

import sys
from collections.abc import Sequence
from dataclasses import asdict

import typer

from qwen_infra.cli.output import print_json, print_table, say
from qwen_infra.cli.prompt_interrupt import ctrl_c_heard
from qwen_infra.errors import ConfigurationError
from qwen_infra.fleet import Step

__all__ = ["confirm", "show_steps"]


def confirm(steps: Sequence[Step], *, yes: bool) -> None:
    """Tell what would be done, and ask on a terminal.

    Raises:
        ConfigurationError: nobody can be asked.
        typer.Abort: the answer is no.
    """
    for number, step in enumerate(steps, 1):
        will = "skip" if step.result == "skipped" else "deploy"
        say(f"{number}. {will} {step.stack}{f' ({step.reason})' if step.reason else ''}")
    if yes or all(step.result == "skipped" for step in steps):
        return
    if not sys.stdin.isatty():
        raise ConfigurationError("nobody can be asked here", where="--yes", mend="add --yes, or look with --preview")
    with ctrl_c_heard():
        typer.confirm("Begin?", abort=True, err=True)


def show_steps(steps: Sequence[Step], *, as_json: bool, preview: bool) -> None:
    """A row a stack, or one JSON document."""
    passed = all(step.result in {"passed", "skipped"} for step in steps)
    if as_json:
        print_json({"passed": passed, "preview": preview, "stacks": [asdict(step) for step in steps]})
        return
    print_table(
        ("stack", "result", "seconds", "reason"),
        [(step.stack, step.result, round(step.seconds) if step.seconds else None, step.reason) for step in steps],
        right=("seconds",),
    )
    if not passed and not preview:
        print("\nMend the reason, then run the same command again: it goes on with the first stack that did not pass.")
