"""Commands in the documents, and the marks that say how each is tested.

A command block is a fenced block of a shell language, or any other block with a line that begins with a program of
``PROGRAMS``. Above it stands an HTML comment, its mark: ``<!-- run: here -->`` and the others of ``MARKS``, which
CONTRIBUTING.md explains. ``tests/e2e/test_first_steps.py`` runs those of the demo.

A command ends with 0, or with N where its comment says ``exits N``. A block after ``<!-- output -->`` shows lines that
the block before must have printed, in this order; a line ``…`` stands for any lines. A block after
``<!-- file: NAME -->`` is written into the folder before the blocks below it are run.
"""

import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

__all__ = [
    "MARKS",
    "NEEDS",
    "ROOT",
    "RUNS",
    "Block",
    "all_blocks",
    "blocks_of",
    "command_blocks",
    "commands_of",
    "documents",
    "lines_missing",
    "marked_blocks",
    "shell_script",
    "without_comment",
]

ROOT = Path(__file__).parents[1]
RUNS = ("here", "hub", "server", "cluster", "demo")
NEEDS = ("gpu", "cluster", "internet", "time")
MARKS = (*(f"run: {name}" for name in RUNS), "tested-by: FILE", *(f"needs: {name}" for name in NEEDS))
SHELLS = {"sh", "bash", "shell", "console", "zsh"}
PROGRAMS = (
    "qwen-infra", "pulumi", "kubectl", "make", "python3?", "pip", "git", "curl", "export", "source", "cp", "cd", "helm",
    "hf", "docker", "npm", "npx", "pre-commit", "nvidia-smi", r"\.?ci/\w", r"\.venv/", "ccr", "claude",
)  # fmt: skip
_COMMAND = re.compile(rf"^(\$ )?({'|'.join(PROGRAMS)})(?=[\s/.\w]|$)(?![\w-]*:)")
_MARK = re.compile(
    r"^<!-- (?P<kind>run|needs|tested-by): (?P<value>.+?)(; exits (?P<exits>\d+))?(; first: (?P<first>.+))? -->$"
)
_FILE = re.compile(r"^<!-- file: (?P<name>\S+) -->$")
_EXITS = re.compile(r"#.*\bexits (\d+)")


@dataclass(frozen=True)
class Block:
    """One block of a document.

    Args:
        page: the document, from the repository's root.
        line: where the block begins, from 1.
        kind: ``run``, ``needs``, ``tested-by``; None without a mark.
        value: what follows the kind.
        text: the lines without their indentation.
        output: lines that the documents show as its output.
        files: name and text of the files that the page shows above it.
        exits: what the last command ends with, by the mark.
        first: what brings about what the text above the block speaks of, by the mark; the reader has it already.
    """

    page: str
    line: int
    kind: str | None
    value: str
    text: str
    output: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    exits: int = 0
    first: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def documents() -> list[Path]:
    """Every page with commands that a reader may copy.

    Decisions and the changelog tell the past, and README.zh-CN.md has the commands of README, which a test compares.
    """
    named = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")]
    return [path for path in (*named, *sorted((ROOT / "docs").glob("*.md"))) if path.exists()]


def all_blocks() -> list[Block]:
    """The command blocks of every document."""
    pages = [(str(path.relative_to(ROOT)), path.read_text("utf-8")) for path in documents()]
    return [block for page, text in pages for block in command_blocks(page, text)]


def marked_blocks(run: str) -> list[Block]:
    """The blocks that are run in one way."""
    return [block for block in all_blocks() if (block.kind, block.value) == ("run", run)]


def command_blocks(page: str, text: str) -> Iterator[Block]:
    """The command blocks of a page, in order, each with its mark and its output."""
    pending: Block | None = None
    files: tuple[tuple[str, str], ...] = ()
    for line, above, language, lines in blocks_of(text):
        if above == "<!-- output -->" and pending is not None:
            yield _with_output(pending, lines)
            pending = None
            continue
        if pending is not None:
            yield pending
            pending = None
        if named := _FILE.match(above):
            files = (*files, (named["name"], "\n".join(lines) + "\n"))
        elif language in SHELLS or (not language and any(_COMMAND.match(item) for item in lines)):
            mark = _MARK.match(above)
            kind, value = (mark["kind"], mark["value"]) if mark else (None, "")
            exits = int(mark["exits"] or 0) if mark else 0
            first = (mark["first"] or "") if mark else ""
            pending = Block(page, line, kind, value, "\n".join(lines), files=files, exits=exits, first=first)
    if pending is not None:
        yield pending


def _with_output(block: Block, lines: list[str]) -> Block:
    return replace(block, output=tuple(lines))


def blocks_of(text: str) -> Iterator[tuple[int, str, str, list[str]]]:
    """First line's number, the last line of text above, the language, the lines."""
    above, lines = "", text.splitlines()
    index = 0
    while index < len(lines):
        line = lines[index]
        start = index
        if fence := re.match(r"^( *)(```+|~~~+)(\w*)", line):
            end = next(i for i in range(index + 1, len(lines)) if lines[i].strip() == fence[2])
            yield start + 1, above, fence[3], [item.removeprefix(fence[1]) for item in lines[index + 1 : end]]
            index = end + 1
        elif line.startswith("    ") and (index == 0 or not lines[index - 1].strip() or above.startswith("<!--")):
            while index < len(lines) and (lines[index].startswith("    ") or not lines[index].strip()):
                index += 1
            shown = [item for item in lines[start:index] if item.strip()]
            yield start + 1, above, "", textwrap.dedent("\n".join(shown)).splitlines()
        else:
            above = line.strip() or above
            index += 1
            continue
        above = ""


def commands_of(block: Block) -> list[str]:
    """One entry a command, continued lines joined; comments and prompts are taken off."""
    joined = re.sub(r"\\\n\s*", "", block.text)
    lines = (line.removeprefix("$ ").strip() for line in joined.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def without_comment(command: str) -> str:
    return re.sub(r"\s+#\s.*$", "", command)


def shell_script(block: Block, port: int = 8000) -> str:
    """A bash script that runs the block's commands one after another and ends at the first unexpected exit code.

    Args:
        block: the commands.
        port: what stands for the documents' port 8000 on this machine.
    """
    parts = ["trap 'kill $(jobs -p) 2>/dev/null' EXIT"]
    if block.first:
        parts.append(f"({block.first}) >/dev/null || exit 98")
    for shown in commands_of(block):
        command = _with_port(shown, port)
        if without_comment(command).startswith("qwen-infra connect") or without_comment(command).endswith("&"):
            parts.append(f"{without_comment(command).rstrip('& ')} &\n{_WAIT.format(port=port)}")
            continue
        command = re.sub(r"(^|&& )pulumi (--cwd \w+ |)(up|destroy)\b", r"\1pulumi \2\3 --yes", command)
        if command == "qwen-infra init":  # asks only where it can be answered
            command = f"script --quiet --return --command '{command}' /dev/null"
        expected = int(found[1]) if (found := _EXITS.search(command)) else 0
        if shown == commands_of(block)[-1] and block.exits:
            expected = block.exits
        told = shlex.quote(f"{block}: {without_comment(shown)}: expected exit code {expected}, found")
        parts.append(f"{command}\ncode=$?; [ $code -eq {expected} ] || {{ echo {told} $code >&2; exit 99; }}")
    return "\n".join(parts) + "\n"


_WAIT = "for _ in $(seq 300); do (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null && break; sleep 0.1; done"


def _with_port(command: str, port: int) -> str:
    """The documents' port 8000 of this machine, wherever it stands."""
    for shown in ("127.0.0.1:8000", "localhost:8000", "--port 8000"):
        command = command.replace(shown, f"{shown[:-4]}{port}")
    return re.sub(r"\b8000:8000\b", f"{port}:8000", command)


def lines_missing(expected: tuple[str, ...], printed: str) -> list[str]:
    """Lines that the documents show and that were not printed, in their order; ``…`` stands for any lines."""
    remaining = iter([line.rstrip() for line in printed.splitlines()])
    wanted = [line.rstrip() for line in expected if line.strip() not in {"", "…"}]
    return [line for line in wanted if not any(line == found for found in remaining)]
