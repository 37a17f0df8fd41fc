"""Every command in the documents says how it is tested, and is a command that exists."""

import re
import shlex
from contextlib import suppress
from pathlib import Path

import pytest
from typer import Exit

from qwen_infra.cli.commands import COMMANDS
from qwen_infra.cli.lazy import load_command
from tests.command_blocks import (
    MARKS,
    NEEDS,
    ROOT,
    RUNS,
    Block,
    all_blocks,
    command_blocks,
    commands_of,
    lines_missing,
    shell_script,
    without_comment,
)

PAGE = """# Title

<!-- run: here -->

    qwen-infra fit --stack gb200    # as it is
    qwen-infra fit --model M \\
      --gpu L40S                    # exits 1: does not fit

<!-- output -->
```
first
…
last
```

Text, and a list of keys:

    config: {}

```bash
kubectl get pods
```
"""

BLOCKS = all_blocks()


def test_blocks_are_found_with_their_marks_and_output():
    marked, unmarked = command_blocks("page.md", PAGE)

    assert (marked.line, marked.kind, marked.value) == (5, "run", "here")
    assert marked.output == ("first", "…", "last")
    assert (unmarked.text, unmarked.kind) == ("kubectl get pods", None)


def test_a_continued_command_is_one_and_may_end_with_another_code():
    marked, _ = command_blocks("page.md", PAGE)

    assert [without_comment(command) for command in commands_of(marked)] == [
        "qwen-infra fit --stack gb200",
        "qwen-infra fit --model M --gpu L40S",
    ]
    assert "[ $code -eq 0 ]" in shell_script(marked).splitlines()[2]
    assert "[ $code -eq 1 ]" in shell_script(marked).splitlines()[4]


def test_shown_lines_must_come_in_their_order():
    assert lines_missing(("a", "…", "c"), "a\nb\nc\n") == []
    assert lines_missing(("c", "a"), "a\nb\nc\n") == ["a"]


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_command_block_is_marked(block: Block):
    allowed = ", ".join(f"<!-- {mark} -->" for mark in MARKS)
    values = {"run": RUNS, "needs": NEEDS, "tested-by": (block.value,)}.get(str(block.kind), ())

    if block.value not in values:
        pytest.fail(
            f"{block} shows commands without a mark. Put one of {allowed} above it; CONTRIBUTING.md says what they "
            f"mean.\n{block.text}",
            pytrace=False,
        )


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.kind == "tested-by"], ids=str)
def test_a_file_that_is_named_as_the_test_holds_the_commands(block: Block):
    texts = [(ROOT / name).read_text("utf-8") for name in block.value.split()]

    missing = [item for item in map(without_comment, commands_of(block)) if not any(item in text for text in texts)]
    assert missing == []


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_command_of_ours_exists_with_its_options(block: Block, capsys: pytest.CaptureFixture[str]):
    for command in commands_of(block):
        found = re.match(r"^qwen-infra (?P<arguments>[^|>;&]+)", without_comment(command))
        if found and "-" not in found["arguments"][:1]:
            parse(shlex.split(found["arguments"]))


def parse(arguments: list[str]) -> None:
    """Raises click's own error for a command, an option or a value that does not exist."""
    [entry] = [item for item in COMMANDS if item.name == arguments[0]]
    command = load_command(entry)
    rest = arguments[1:]
    while getattr(command, "commands", None):
        command, rest = command.commands[rest[0]], rest[1:]
    with suppress(Exit):  # an option such as --list does its work at once
        command.make_context(entry.name, rest)


def test_a_file_named_by_a_mark_is_not_a_folder():
    named = [name for block in BLOCKS if block.kind == "tested-by" for name in block.value.split()]
    assert all((ROOT / Path(name)).is_file() for name in named)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_make_target_exists(block: Block):
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = [match[1] for match in re.finditer(r"^make ([a-z-]+)", "\n".join(commands_of(block)), re.MULTILINE)]

    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []
