"""``qwen-infra model``: models by commit instead of by a branch that moves."""

import os
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(help="Name models by commit.", no_args_is_help=True)


@app.callback()
def model() -> None:
    """Name models by commit."""


@app.command("pin")
def pin(
    stack: Annotated[list[str], typer.Option(help="Stack whose file gets the commit; may be given several times.")],
    revision: Annotated[str, typer.Option(help="Branch or tag whose commit is wanted.")] = "main",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the commits; write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Find the commit behind each model of a stack on the Hub, and write it into the stack file.

    Several stacks with the same model get the same commit. A gated repository needs HF_TOKEN; a mirror is taken from
    the stack file, else from HF_ENDPOINT.

    Examples:
        qwen-infra model pin --stack staging-eu --stack prod-eu --stack prod-us
        qwen-infra model pin --stack gb200 --dry-run
    """
    from qwen_infra.catalog.hub import find_commit
    from qwen_infra.cli.hub_names import check_hub_address, check_revision
    from qwen_infra.cli.output import print_json, say
    from qwen_infra.cli.stack_endpoint import load_plans
    from qwen_infra.registry import set_in_stack_file
    from qwen_infra.settings import locate_key, read_stack_config

    check_hub_address()
    check_revision(revision)
    commits: dict[tuple[str, str | None], str] = {}
    wanted: dict[str, dict[str, tuple[str, str]]] = {}
    for name in stack:
        keys = locate_key(read_stack_config(Path(), name), "model", "revision")
        for key, plan in zip(keys, load_plans(name), strict=True):
            asked = (plan.cache.repository, plan.cache.storage.hub_endpoint)
            if asked not in commits:
                commits[asked] = find_commit(
                    asked[0], revision, endpoint=asked[1], token=os.environ.get("HF_TOKEN") or None
                )
            wanted.setdefault(name, {})[key] = (asked[0], commits[asked])
    for name, values in wanted.items():
        pinned = {key: commit for key, (_, commit) in values.items()}
        for place in () if dry_run else set_in_stack_file(Path(f"Pulumi.{name}.yaml"), pinned):
            say(f"Pulumi.{name}.yaml: {place.key}: {place.before} is now {place.after}")
    found = [
        {"stack": name, "key": key, "repository": repository, "revision": commit}
        for name, values in wanted.items()
        for key, (repository, commit) in values.items()
    ]
    if as_json:
        print_json(found)
        return
    for repository, commit in dict.fromkeys((each["repository"], each["revision"]) for each in found):
        print(f"{repository}@{commit}")
