"""``qwen-infra comment``: a preview as Markdown for a pull request."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["comment"]


def comment(
    preview: Annotated[
        list[Path], typer.Option(help="Output of `pulumi preview --json`; may be given once for each stack.")
    ],
    stack: Annotated[str | None, typer.Option(help="Name of the stack, where its preview has nothing to tell.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of Markdown.")] = False,
) -> None:
    """Tell a reviewer what a pull request would deploy.

    Examples:
    qwen-infra comment --preview preview.json
    qwen-infra comment --preview staging.json --preview prod.json
    """
    from dataclasses import asdict

    from qwen_infra.cli.output import print_json
    from qwen_infra.review import read_preview, render_comment, review_preview

    reviews = [review_preview(read_preview(path), stack=stack or path.stem) for path in preview]
    if as_json:
        print_json([asdict(review) for review in reviews])
    else:
        print(render_comment(reviews), end="")
