"""Every command, whoever added it: its help, its examples, and what the list says of it."""

import inspect
import shlex
from typing import Any

import pytest

from qwen_infra.cli.commands import COMMANDS, Command
from qwen_infra.cli.lazy import load_command

WIDTH = 80


def tree() -> list[tuple[str, Any]]:
    """Every command that does something, as it is typed, with groups walked."""
    found: list[tuple[str, Any]] = []
    for entry in COMMANDS:
        command = load_command(entry)
        children = getattr(command, "commands", None)
        found += (
            [(f"{entry.name} {name}", child) for name, child in children.items()]
            if children
            else [(entry.name, command)]
        )
    return found


TREE = tree()
NAMES = [name for name, _ in TREE]


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_an_entry_says_what_the_first_line_of_the_help_says(entry: Command):
    help_text = load_command(entry).help

    assert help_text.startswith(entry.summary)
    assert len(entry.summary) <= WIDTH - 20


@pytest.mark.parametrize(("name", "command"), TREE, ids=NAMES)
def test_a_command_has_help_with_an_example_that_is_valid_usage(name: str, command: Any):
    assert command.examples, f"end the docstring of {name} with 'Example: qwen-infra {name} …'"

    for example in command.examples:
        typed = shlex.split(example.replace("\\\n", " "), comments=True)
        assert typed[: 1 + len(name.split())] == ["qwen-infra", *name.split()]
        command.make_context(name, typed[1 + len(name.split()) :])


@pytest.mark.parametrize(("name", "command"), TREE, ids=NAMES)
def test_every_option_is_described_and_help_fits_eighty_columns(name: str, command: Any):
    context = command.make_context(name, [], resilient_parsing=True)

    undescribed = [item.name for item in command.params if not getattr(item, "help", None)]
    too_long = [line for line in command.get_help(context).splitlines() if len(line) > WIDTH]
    assert undescribed == []
    assert too_long == []


def test_names_are_unique():
    names = [entry.name for entry in COMMANDS]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("name", "command"), TREE, ids=NAMES)
def test_a_command_is_named_as_its_function(name: str, command: Any):
    function = inspect.unwrap(command.callback)

    assert name.split()[-1].replace("-", "_") in {function.__name__, function.__name__.rstrip("_")}
