"""``qwen-infra image``: container images by content instead of by a tag that moves."""

import os
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(help="Name container images by content.", no_args_is_help=True)


@app.callback()
def image() -> None:
    """Name container images by content."""


@app.command("pin")
def pin(
    reference: Annotated[str, typer.Argument(metavar="IMAGE:TAG", help="Image, such as vllm/vllm-openai:v0.32.0.")],
    stack: Annotated[str | None, typer.Option(help="Stack whose file gets the digest, and whose nodes decide.")] = None,
    architecture: Annotated[
        str | None, typer.Option(help="Processor that the image must be for; default: that of the stack's nodes.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Find the digest behind a tag, check the nodes' processor, and write it into the stack file.

    A registry that asks for an account gets REGISTRY_USER and REGISTRY_PASSWORD.

    Examples:
        qwen-infra image pin vllm/vllm-openai:v0.32.0
        qwen-infra image pin vllm/vllm-openai:v0.32.0 --stack gb200
    """
    from qwen_infra.catalog import find_gpu
    from qwen_infra.cli.output import print_json, say
    from qwen_infra.errors import CheckFailedError
    from qwen_infra.registry import parse_reference, pin_in_stack_file, resolve_image
    from qwen_infra.settings import load_stack_deployments

    wanted = {architecture} if architecture else set()
    if stack and not architecture:
        wanted = {find_gpu(item.server.gpu).node_architecture for item in load_stack_deployments(Path(), stack)}
    parsed = parse_reference(reference)
    user, password = os.environ.get("REGISTRY_USER"), os.environ.get("REGISTRY_PASSWORD")
    found = resolve_image(parsed, credentials=(user, password) if user and password else None)
    missing = sorted(wanted - set(found.architectures))
    if missing:
        raise CheckFailedError(
            f"this image is not made for {' and '.join(missing)}, which the nodes have",
            where=reference,
            found=", ".join(found.architectures),
            expected=", ".join(sorted(wanted)),
            mend="choose a tag that has it",
        )
    pinned = parsed.pinned(found.digest)
    changed = pin_in_stack_file(Path(f"Pulumi.{stack}.yaml"), parsed.name, pinned) if stack else ()
    for place in changed:
        say(f"Pulumi.{stack}.yaml: {place.key}: {place.before} is now {place.after}")
    if as_json:
        print_json({"image": pinned, "digest": found.digest, "architectures": list(found.architectures)})
    else:
        print(pinned)
