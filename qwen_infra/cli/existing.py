"""What the working folder has that a person may mean: stacks and kept runs, by the names that flags take."""

from pathlib import Path

from qwen_infra.errors import ConfigurationError

__all__ = ["ask_which_server", "list_newest_runs", "list_stack_names"]

_NEWEST = 4


def list_stack_names() -> list[str]:
    """Stacks that have a stack file here."""
    return sorted(path.name[len("Pulumi.") : -len(".yaml")] for path in Path().glob("Pulumi.*.yaml"))


def list_newest_runs(results: Path = Path("results")) -> list[str]:
    """Files of the benchmarks that were kept last, newest first; at most four."""
    kept = sorted(results.glob("*/benchmark-*.json"), key=lambda path: path.name, reverse=True)
    return [path.name for path in kept[:_NEWEST]]


def ask_which_server(command: str, *, takes_url: bool) -> ConfigurationError:
    """The error of a command that was told no stack, where no demo runs either.

    Args:
        command: what was called: ``qwen-infra chat``.
        takes_url: whether it can do with an address and a model's name instead.
    """
    names = list_stack_names()
    there = f"one of: {', '.join(names)}" if names else "a stack, and this folder has none"
    instead = ", or --url URL with --model NAME" if takes_url else ""
    start = f"{command} --stack {names[0] if names else 'NAME'}"
    mend = f"{start}, in the folder that has Pulumi.NAME.yaml" if not names else start
    return ConfigurationError("which server?", where="--stack", expected=f"{there}{instead}", mend=mend)
