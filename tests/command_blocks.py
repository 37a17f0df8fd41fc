"""Commands in the documents, and the marks that say how each is tested.

A command block is a fenced block of a shell language, or any other block with a line that begins with a program of
``PROGRAMS``. Above it stands an HTML comment, its mark: ``<!-- run: here -->`` and the others of ``MARKS``, which
CONTRIBUTING.md explains. ``tests/e2e/test_first_steps.py`` runs those of the demo.

A command ends with 0, or with N where its comment says ``exits N``. A block after ``<!-- output -->`` shows lines that
the block before must have printed, in this order; a line ``…`` stands for any lines.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "MARKS",
    "NEEDS",
    "ROOT",
    "RUNS",
    "Block",
    "all_blocks",
    "command_blocks",
    "commands_of",
    "documents",
    "lines_missing",
    "marked_blocks",
    "shell_script",
    "without_comment",
]

ROOT = Path(__file__).parents[1]
RUNS = ("here", "server", "cluster", "demo")
NEEDS = ("gpu", "cluster", "internet", "time")
MARKS = (*(f"run: {name}" for name in RUNS), "tested-by: FILE", *(f"needs: {name}" for name in NEEDS))
SHELLS = {"sh", "bash", "shell", "console", "zsh"}
PROGRAMS = (
    "qwen-infra", "pulumi", "kubectl", "make", "python3?", "pip", "git", "curl", "export", "source", "cp", "cd", "helm",
    "hf", "docker", "npm", "npx", "pre-commit", "nvidia-smi", r"\.?ci/\w", r"\.venv/", "ccr", "claude",
)  # fmt: skip
_COMMAND = re.compile(rf"^(\$ )?({'|'.join(PROGRAMS)})(?=[\s/.\w]|$)(?![\w-]*:)")
_MARK = re.compile(r"^<!-- (?P<kind>run|needs|tested-by): (?P<value>.+?) -->$")
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
    """

    page: str
    line: int
    kind: str | None
    value: str
    text: str
    output: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def documents() -> list[Path]:
    """Every page with commands that a reader may copy; decisions and the changelog tell the past."""
    named = [ROOT / name for name in ("README.md", "README.zh-CN.md", "ARCHITECTURE.md", "CONTRIBUTING.md")]
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
    for line, above, language, lines in _blocks(text):
        if above == "<!-- output -->" and pending is not None:
            yield _with_output(pending, lines)
            pending = None
            continue
        if pending is not None:
            yield pending
            pending = None
        if language in SHELLS or (not language and any(_COMMAND.match(item) for item in lines)):
            mark = _MARK.match(above)
            kind, value = (mark["kind"], mark["value"]) if mark else (None, "")
            pending = Block(page, line, kind, value, "\n".join(lines))
    if pending is not None:
        yield pending


def _with_output(block: Block, lines: list[str]) -> Block:
    return Block(block.page, block.line, block.kind, block.value, block.text, tuple(lines))


def _blocks(text: str) -> Iterator[tuple[int, str, str, list[str]]]:
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
            yield start + 1, above, "", [item[4:] for item in lines[start:index] if item.strip()]
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


def shell_script(block: Block) -> str:
    """A bash script that runs the block's commands one after another and ends at the first unexpected exit code."""
    parts = []
    for command in commands_of(block):
        expected = int(found[1]) if (found := _EXITS.search(command)) else 0
        told = shlex.quote(f"{block}: exit code $code, expected {expected}: {without_comment(command)}")
        parts.append(f"{command}\ncode=$?; [ $code -eq {expected} ] || {{ echo {told} $code >&2; exit 99; }}")
    return "\n".join(parts) + "\n"


def lines_missing(expected: tuple[str, ...], printed: str) -> list[str]:
    """Lines that the documents show and that were not printed, in their order; ``…`` stands for any lines."""
    remaining = iter([line.rstrip() for line in printed.splitlines()])
    wanted = [line.rstrip() for line in expected if line.strip() not in {"", "…"}]
    return [line for line in wanted if not any(line == found for found in remaining)]
