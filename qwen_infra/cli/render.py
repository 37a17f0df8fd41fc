"""``qwen-infra render``: the Kubernetes manifests of a stack, without a cluster and without Pulumi."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["render"]


def render(
    stack: Annotated[str, typer.Option(help="Stack whose file Pulumi.<stack>.yaml is read.")],
    out: Annotated[Path | None, typer.Option(help="Folder for one file an object; default: standard output.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of YAML.")] = False,
) -> None:
    """Print the Kubernetes objects that a stack deploys.

    Example: qwen-infra render --stack gb200 --out manifests
    """
    import yaml

    from qwen_infra.cli.output import print_json, say
    from qwen_infra.manifests import render_stack
    from qwen_infra.planning import make_plans
    from qwen_infra.settings import load_stack_deployments

    plans = make_plans(load_stack_deployments(Path(), stack), stack)
    for plan in plans:
        for warning in plan.warnings:
            say(f"warning: {plan.server.name}: {warning}" if len(plans) > 1 else f"warning: {warning}")
    objects = render_stack(plans)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for item in objects:
            path = out / f"{item['kind'].lower()}-{item['metadata']['name']}.yaml"
            path.write_text(yaml.safe_dump(item, sort_keys=False, allow_unicode=True), "utf-8")
            say(f"wrote {path}")
    if as_json:
        print_json(objects)
    elif out is None:
        print(yaml.safe_dump_all(objects, sort_keys=False, allow_unicode=True), end="")
