"""Commands that are imported when they run: ``--help`` lists them from their entries, completion knows their names."""

import importlib
import math
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from qwen_infra.cli.closed_output import pipe_errors_kept
from qwen_infra.cli.commands import COMMANDS, Command
from qwen_infra.cli.examples import arrange_help

__all__ = ["CommandGroup", "LazyCommand", "load_command"]


def load_command(entry: Command) -> Any:
    """The command of an entry as click sees it: a ``TyperCommand``, or a ``TyperGroup`` for a ``typer.Typer``."""
    module, attribute = entry.target.split(":")
    target = getattr(importlib.import_module(module), attribute)
    if not isinstance(target, typer.Typer):
        function = target
        target = typer.Typer(add_completion=False, rich_markup_mode=None)
        target.command(entry.name)(function)
    command: Any = typer.main.get_command(target)
    command.name = entry.name
    _settle(command)
    return command


def _settle(command: Any) -> None:
    """One look for every command, whatever its ``typer.Typer`` said: plain help, and completion at the top only."""
    command.rich_markup_mode = None
    command.params = [item for item in command.params if item.name not in {"install_completion", "show_completion"}]
    arrange_help(command)
    _remember_command(command)
    for parameter in command.params:
        _refuse_endless(parameter)
    for child in getattr(command, "commands", {}).values():
        _settle(child)


def _refuse_endless(parameter: Any) -> None:
    """No number is ``nan`` or ``inf``, which pass every limit or none."""
    process_value = parameter.process_value

    def process(ctx: Any, value: Any) -> Any:
        found = process_value(ctx, value)
        for number in found if isinstance(found, list | tuple) else [found]:
            if isinstance(number, float) and not math.isfinite(number):
                raise typer.BadParameter(f"{number} is not a finite number", ctx=ctx, param=parameter)
        return found

    parameter.process_value = process


def _remember_command(command: Any) -> None:
    """Let every complaint about a command line say which command it is about: click forgets that for some."""
    make_context = command.make_context

    def make(info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        try:
            return make_context(info_name, args, parent=parent, **extra)
        except TyperException as error:
            if getattr(error, "ctx", None) is None:
                error.ctx = command.context_class(command, info_name=info_name, parent=parent)  # type: ignore[attr-defined]
            raise

    command.make_context = make


class LazyCommand(TyperCommand):
    """What stands for a command until it is called: its name and its summary."""

    def __init__(self, entry: Command) -> None:
        super().__init__(entry.name, help=entry.summary, rich_markup_mode=None)
        self.entry = entry

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The context of the real command, to which its caller goes on from here."""
        return load_command(self.entry).make_context(info_name, args, parent=parent, **extra)


class CommandGroup(TyperGroup):
    """``qwen-infra`` itself: every entry of ``COMMANDS``, listed in sections."""

    def __init__(self, *, entries: Sequence[Command] = COMMANDS, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.entries = entries
        for entry in entries:
            self.add_command(LazyCommand(entry))

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """As every group's; also prints help and version."""
        with pipe_errors_kept():
            return super().make_context(info_name, args, parent=parent, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with pipe_errors_kept():
            return super().invoke(ctx)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """One list a section."""
        del ctx
        width = max(len(entry.name) for entry in self.entries)
        for section in dict.fromkeys(entry.section for entry in self.entries):
            rows = [(entry.name.ljust(width), entry.summary) for entry in self.entries if entry.section == section]
            with formatter.section(section):
                formatter.write_dl(rows)
