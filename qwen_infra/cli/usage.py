"""Wrong usage in the same words as every other error: what, where, what there is, and a command line that is right."""

import re
from collections.abc import Sequence
from typing import Any

import typer
from typer.exceptions import TyperException

from qwen_infra.cli.existing import list_newest_runs, list_stack_names
from qwen_infra.errors import ConfigurationError

__all__ = ["explain_usage"]

_NO_SUCH_COMMAND = re.compile(r"No such command '(?P<wrong>.*?)'\.?( Did you mean '(?P<near>.*?)')?")


def explain_usage(error: TyperException) -> ConfigurationError:
    """What click says of a command line that it could not read, as an error of ours."""
    context: Any = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "qwen-infra"
    where, what = _explain(error, path)
    return ConfigurationError(what, where=where, expected=_list_existing(where), mend=_show_usage(context, where, path))


def _show_usage(context: Any, where: str, path: str) -> str:
    """An example of the command, one with what was wrong where there is one, and the help."""
    command = getattr(context, "command", None)
    examples = [" ".join(text.replace("\\\n", " ").split()) for text in getattr(command, "examples", ())]
    near = next((each for each in examples if where in each.split()), examples[0] if examples else None)
    return f"{near}; every option: {path} --help" if near else f"{path} --help"


def _list_existing(where: str) -> str | None:
    """What this folder has for an option that names a stack or kept runs."""
    if where == "--stack":
        names = list_stack_names()
        return f"one of: {', '.join(names)}" if names else None
    if where == "--compare":
        newest = ", ".join(list_newest_runs())
        return (
            f"two runs, older first; the newest are {newest}" if newest else "two runs, older first; none is kept here"
        )
    return None


def _explain(error: TyperException, path: str) -> tuple[str, str]:
    command = _NO_SUCH_COMMAND.match(error.message)
    if command:
        return f"{path} {command['wrong']}", f"there is no such command{_did_you_mean([command['near']])}"
    if type(error).__name__ == "NoSuchOption":
        option: Any = error
        return option.option_name, f"there is no such option{_did_you_mean(option.possibilities)}"
    where = _parameter(error) or path
    parameter: Any = getattr(error, "param", None)
    if type(error).__name__ == "MissingParameter" and parameter is not None:
        return where, f"this {parameter.param_type_name} is required and missing"
    text = " ".join((error.message or str(error)).split()).removesuffix(".")
    return where, text[:1].lower() + text[1:]


def _parameter(error: TyperException) -> str | None:
    """Name of the option or argument at fault, as it is typed."""
    if not isinstance(error, typer.BadParameter):
        return getattr(error, "option_name", None)
    hint = error.param_hint
    if hint is None and error.param is not None:
        hint = error.param.get_error_hint()
    names = [hint] if isinstance(hint, str) else list(hint or ())
    return " / ".join(name.strip("'") for name in names) or None


def _did_you_mean(names: Sequence[str | None] | None) -> str:
    near = [name for name in names or () if name]  # the nearest first, as click gives them
    return f", did you mean {near[0]}?" if near else ""
