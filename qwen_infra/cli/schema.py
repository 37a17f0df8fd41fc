"""``qwen-infra schema``: the JSON Schema of the stack file."""

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["schema"]


def schema(
    out: Annotated[Path | None, typer.Option(help="File to write; default: standard output.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="The page of every key instead of the schema.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The schema, which is JSON anyway.")] = False,
) -> None:
    """Print the JSON Schema of the stack file, for editors.

    Examples:
        qwen-infra schema --out stack-file.schema.json
        qwen-infra schema --markdown
    """
    from qwen_infra.cli.output import say
    from qwen_infra.settings import render_stack_file_page, stack_file_schema

    if markdown and as_json:
        raise typer.BadParameter("goes with the schema, not with --markdown", param_hint="--json")
    text = (
        render_stack_file_page() if markdown else json.dumps(stack_file_schema(), indent=2, ensure_ascii=False) + "\n"
    )
    if out is None:
        print(text, end="")
    else:
        out.write_text(text, "utf-8")
        say(f"wrote {out}")
