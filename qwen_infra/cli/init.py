"""``qwen-infra init``: a stack file from a few questions, or from flags."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from qwen_infra.sizing import Choice

__all__ = ["init"]


def init(
    name: Annotated[str | None, typer.Argument(help="Name of the stack; its file is Pulumi.NAME.yaml.")] = None,
    gpu: Annotated[str | None, typer.Option(help="GPU that there is, such as GB200; asked when left out.")] = None,
    gpus: Annotated[int | None, typer.Option(help="How many of them; asked when left out.")] = None,
    purpose: Annotated[
        str | None, typer.Option("--for", help="coding, agent, chinese, general, multimodal or long-context.")
    ] = None,
    context: Annotated[int | None, typer.Option(help="Tokens that must fit; default: the model's own.")] = None,
    namespace: Annotated[str, typer.Option(help="Namespace in the cluster.")] = "qwen",
    force: Annotated[bool, typer.Option("--force", help="Replace a stack file that exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="What was written, as one JSON document.")] = False,
) -> None:
    """Write a stack file that previews, from three questions or the flags that answer them.

    The best model that fits is chosen, as `qwen-infra recommend` ranks them. Exit code 1 when none fits.

    Examples:
        qwen-infra init
        qwen-infra init team --gpu H100 --gpus 8 --for coding
    """
    from qwen_infra.catalog import find_gpu
    from qwen_infra.catalog import gpus as known_gpus
    from qwen_infra.cli.fit_question import in_flags
    from qwen_infra.cli.output import print_json, say
    from qwen_infra.errors import CheckFailedError, ConfigurationError
    from qwen_infra.sizing import RecommendRequest, recommend
    from qwen_infra.sizing.recommend import PURPOSES

    stack = name or _ask("name of the stack", "NAME", "mine")
    product = gpu or _ask(f"GPU ({', '.join(item.name for item in known_gpus())})", "--gpu", "GB200")
    count = gpus if gpus is not None else _number(_ask("how many of them", "--gpus", "4"), "--gpus")
    use = purpose or _ask(f"purpose ({', '.join(PURPOSES)})", "--for", "general")
    path = _path_of(stack, force=force)
    try:
        choices = recommend(RecommendRequest(find_gpu(product), count, use.lower(), context, None))
    except ConfigurationError as error:
        raise in_flags(error) from None
    if not choices:
        raise CheckFailedError(
            "no model of the catalogue fits",
            found=f"{count} x {product}" + (f" with {context} tokens" if context else ""),
            mend=f"qwen-infra recommend --gpu {product} --gpus {count} tells what would",
        )
    path.write_text(_stack_text(choices[0], stack, namespace), "utf-8")
    best = choices[0]
    if as_json:
        chosen = {"model": best.model.name, "precision": best.precision, "gpu": product, "gpus": count}
        print_json({"file": path.name, "stack": stack, **chosen})
        return
    print(f"wrote {path.name}: {best.model.name} {best.precision} on {count} x {product}")
    say(f"next: qwen-infra doctor --stack {stack}, then pulumi stack init {stack} && pulumi up --stack {stack}")


def _ask(question: str, flag: str, default: str) -> str:
    """The answer of a person; where there is none at a terminal, the flag is required."""
    import sys

    from qwen_infra.cli.prompt_interrupt import ctrl_c_heard
    from qwen_infra.errors import ConfigurationError

    if not sys.stdin.isatty():
        raise ConfigurationError(
            "this is required where nobody can be asked", where=flag, mend="qwen-infra init mine --gpu GB200 --gpus 4"
        )
    with ctrl_c_heard():
        return input(f"{question} [{default}]: ").strip() or default


def _number(text: str, flag: str) -> int:
    from qwen_infra.errors import ConfigurationError

    if not text.isdecimal():
        raise ConfigurationError("this is not a whole number", where=flag, found=text, mend=f"{flag} 4")
    return int(text)


def _path_of(stack: str, *, force: bool) -> Path:
    import re

    from qwen_infra.errors import ConfigurationError

    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", stack):
        raise ConfigurationError(
            "this is no name for a stack",
            where="NAME",
            found=stack,
            expected="lower-case letters, digits and dashes",
            mend="qwen-infra init mine",
        )
    path = Path(f"Pulumi.{stack}.yaml")
    if path.exists() and not force:
        raise ConfigurationError("this stack file exists already", where=path.name, mend="add --force to replace it")
    return path


def _stack_text(choice: "Choice", stack: str, namespace: str) -> str:
    """The file, checked as `pulumi preview` would check it, before anything is written."""
    import yaml

    from qwen_infra.planning import make_plans
    from qwen_infra.planning.stack_file import build_stack_file
    from qwen_infra.settings import SCHEMA_FILE, load_deployments

    document: dict[str, Any] = build_stack_file(choice, stack)
    document["config"]["qwen-infra:cluster"]["namespace"] = namespace
    make_plans(load_deployments(document["config"]), stack)
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    lines = [f"# yaml-language-server: $schema={SCHEMA_FILE}"] if Path(SCHEMA_FILE).exists() else []
    described = f"# {choice.model.name} {choice.precision}: {choice.max_concurrency:.1f} full-length requests at once"
    return "\n".join([*lines, f"{described} (predicted). Made by `qwen-infra init`.", text])
