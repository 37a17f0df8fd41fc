"""``qwen-infra stacks``: the stack files of this folder, and which of them a change touches."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["stacks"]


def stacks(
    changed_since: Annotated[
        str | None, typer.Option(help="Only those that differ from this commit or branch; one name a line.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """List the stacks of this folder, or those a change touches.

    Examples:
    qwen-infra stacks
    qwen-infra stacks --changed-since origin/main
    """
    from qwen_infra.cli.output import print_json
    from qwen_infra.fleet import affected_stacks, changed_paths, list_stacks

    found = list_stacks(Path())
    if changed_since is not None:
        wanted = set(affected_stacks(changed_paths(Path(), changed_since), [item.name for item in found]))
        found = tuple(item for item in found if item.name in wanted)
    if as_json:
        print_json(
            [
                {
                    "stack": item.name,
                    "problem": item.problem,
                    "deployments": [one.model_dump(mode="json", by_alias=True) for one in item.deployments],
                }
                for item in found
            ]
        )
        return
    for item in found:
        if changed_since is not None:
            print(item.name)
            continue
        models = ", ".join(
            f"{one.model.title} {one.model.precision or ''} on {one.server.gpu}" for one in item.deployments
        )
        environment = item.deployments[0].environment or "–" if item.deployments else "–"
        print(f"{item.name:<16}{environment:<10}{item.problem or models}")
