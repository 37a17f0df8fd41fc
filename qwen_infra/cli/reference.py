"""The reference pages that are generated from the code: ``make docs-reference`` writes them, a test compares them."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from qwen_infra.cli.commands import COMMANDS
from qwen_infra.cli.lazy import load_command
from qwen_infra.settings import SCHEMA_FILE, render_stack_file_page, stack_file_schema

__all__ = ["reference_files", "render_command_line_page", "write_references"]

_INTRODUCTION = r"""# The command line

<!-- Generated from qwen_infra/cli by `make docs-reference`; edit the docstrings and the help of the options there. -->

`qwen-infra …` (also `python -m qwen_infra …`). Results go to standard output (`--json`: one document), progress and
errors to standard error. Tables fit 80 columns; colours are left out where the output is no terminal, and with
`NO_COLOR`.

| exit code | means |
|---|---|
| 0 | done |
| 1 | the thing asked about failed: it does not fit, a check failed, an SLO was missed |
| 2 | wrong usage or configuration |
| 3 | the environment lacks something: no cluster, no program, no permission |
| 130 | stopped by Ctrl-C |
| 141 | nobody read its output any more (`… \| head -1`) |

An error is one message: what is wrong and where, what was found and expected, and the command that mends it.

`qwen-infra --install-completion` adds completion to bash, zsh, fish or PowerShell.
"""

_SCHEDULE = (
    "pulumi config set --stack mine --path 'qwen-infra:verification.schedule' '0 4 * * *'"
    " && pulumi up --yes --stack mine"
)
_MARKS = {
    "baseline": "run: cluster",
    "bench": "run: server",
    "capacity": "run: cluster",
    "chat": "run: cluster",
    "collect": f"run: cluster; first: {_SCHEDULE}",
    "connect": "run: cluster",
    "demo": "tested-by: tests/e2e/test_first_steps.py",
    "doctor": "run: cluster; exits 3",
    "download": "run: hub",
    "drift": "run: cluster",
    "fleet rollout": "tested-by: tests/integration/test_fleet_rollout.py",
    "fleet status": "run: cluster",
    "history": "run: cluster",
    "image": "needs: internet",
    "local": "tested-by: tests/e2e/test_local_commands.py",
    "model": "run: hub",
    "report": "tested-by: tests/unit/cli/test_report_command.py",
    "sweep": "run: server",
    "verify": "run: server",
}
"""How the examples of a command are tested, where it is not ``run: here``; CONTRIBUTING.md says what the marks mean."""


def reference_files() -> dict[str, str]:
    """Path from the repository's root to the text that belongs there."""
    return {
        SCHEMA_FILE: json.dumps(stack_file_schema(), indent=2, ensure_ascii=False) + "\n",
        "docs/stack-file.md": render_stack_file_page(),
        "docs/command-line.md": render_command_line_page(),
    }


def write_references(root: Path) -> list[Path]:
    """Write the pages that are out of date.

    Returns:
        The files that changed.
    """
    changed = []
    for name, text in reference_files().items():
        path = root / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            changed.append(path)
    return changed


def render_command_line_page() -> str:
    """Markdown: the commands by section, then each with its usage, options and examples."""
    parts = [_INTRODUCTION]
    for section in dict.fromkeys(entry.section for entry in COMMANDS):
        parts.append(f"## {section}\n")
        for entry in COMMANDS:
            if entry.section == section:
                parts += _describe_command(load_command(entry), f"qwen-infra {entry.name}")
    return "\n".join(parts).rstrip() + "\n"


def _describe_command(command: Any, path: str) -> Iterator[str]:
    yield f"### `{path}`\n"
    yield f"{command.help}\n"
    children: Mapping[str, Any] = getattr(command, "commands", {})
    for name, child in children.items():
        yield from _describe_command(child, f"{path} {name}")
    if children:
        return
    context = command.make_context(path, [], resilient_parsing=True)
    records = [item.get_help_record(context) for item in command.get_params(context) if item.name != "help"]
    rows = [f"| `{names}` | {text} |" for names, text in (_escape(record) for record in records if record)]
    if rows:
        yield "\n".join(["| option | meaning |", "|---|---|", *rows]) + "\n"
    if command.examples:
        named = path.removeprefix("qwen-infra ")
        yield f"<!-- {_MARKS.get(named) or _MARKS.get(named.split()[0], 'run: here')} -->\n"
        yield "\n".join(f"    {line}" for example in command.examples for line in example.splitlines()) + "\n"


def _escape(record: tuple[str, str]) -> tuple[str, str]:
    names, text = ((" ".join(part.split())).replace("|", "\\|") for part in record)
    return names, text


if __name__ == "__main__":
    for written in write_references(Path.cwd()):
        print(f"wrote {written.relative_to(Path.cwd())}", file=sys.stderr)
