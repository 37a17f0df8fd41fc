"""``qwen-infra recommend``: what to serve on the GPUs that there are, and the stack file that does it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from qwen_infra.sizing import Choice, RecommendRequest

__all__ = ["recommend"]


def recommend(
    gpu: Annotated[str, typer.Option(help="GPU that there is, such as GB200, or CPU.")],
    gpus: Annotated[int, typer.Option(help="How many of them.")],
    purpose: Annotated[
        str, typer.Option("--for", help="coding, agent, chinese, general, multimodal or long-context.")
    ] = "general",
    context: Annotated[int | None, typer.Option(help="Tokens that must fit; default: the model's native ones.")] = None,
    price_per_gpu_hour: Annotated[float | None, typer.Option(help="Price, for the cost per million tokens.")] = None,
    choice: Annotated[int, typer.Option(help="Which choice the stack file is for, 1 is the best.")] = 1,
    stack_file: Annotated[Path | None, typer.Option(help="Write the stack file there: Pulumi.NAME.yaml.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a stack file that exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Rank the models that fit on some GPUs.

    Best first, by the reference's score for a purpose, with a complete stack file for the first. Exit code 1 when
    nothing fits.

    Examples:
        qwen-infra recommend --gpu GB200 --gpus 4 --for agent
        qwen-infra recommend --gpu H100 --gpus 8 --for coding
          --stack-file Pulumi.coder.yaml
    """
    from qwen_infra.catalog import find_gpu
    from qwen_infra.cli.fit_question import in_flags
    from qwen_infra.errors import ConfigurationError
    from qwen_infra.sizing import RecommendRequest
    from qwen_infra.sizing import recommend as rank

    try:
        request = RecommendRequest(find_gpu(gpu), gpus, purpose.lower(), context, price_per_gpu_hour)
        choices = rank(request)
    except ConfigurationError as error:
        raise in_flags(error) from None
    if not choices:
        _tell_nothing_fits(request, as_json=as_json)
        raise typer.Exit(1)
    chosen = _pick(choices, choice)
    name = _stack_name(stack_file)
    text = _stack_text(chosen, name)
    if stack_file is not None:
        _write(stack_file, text, force=force)
    if as_json:
        from qwen_infra.cli.output import print_json

        print_json({"choices": [found.to_json() for found in choices], "stack_file": text})
        return
    from qwen_infra.cli.recommend_table import print_choices

    print_choices(choices, request)
    if stack_file is None:
        print(f"\nthe stack file of choice {choice}; --stack-file Pulumi.NAME.yaml writes it:\n\n{text}", end="")


def _pick(choices: "tuple[Choice, ...]", number: int) -> "Choice":
    from qwen_infra.errors import ConfigurationError

    if not 1 <= number <= len(choices):
        raise ConfigurationError(
            "there is no such choice",
            where="--choice",
            found=number,
            expected=f"1 to {len(choices)}",
            mend="leave --choice out to see them",
        )
    return choices[number - 1]


def _stack_name(path: Path | None) -> str:
    """``Pulumi.coder.yaml`` is the stack ``coder``.

    Raises:
        ConfigurationError: Pulumi would not find a file of that name.
    """
    import re

    from qwen_infra.errors import ConfigurationError

    if path is None:
        return "recommended"
    found = re.fullmatch(r"Pulumi\.([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)\.yaml", path.name)
    if found is None:
        raise ConfigurationError(
            "Pulumi would not take this file for a stack's",
            where="--stack-file",
            found=path.name,
            expected="Pulumi.NAME.yaml, NAME in lower-case letters, digits and dashes",
            mend=f"--stack-file {path.with_name('Pulumi.recommended.yaml')}",
        )
    return found[1]


def _stack_text(choice: "Choice", name: str) -> str:
    import yaml

    from qwen_infra.planning.stack_file import build_stack_file

    fit = choice.fit
    described = (
        f"# {choice.model.name} {choice.precision} on {choice.replicas} x {fit.request.tensor_parallel_size} "
        f"{fit.request.gpu.name}: {choice.max_concurrency:.1f} requests of {fit.request.max_model_len} tokens at once "
        "(predicted).\n# Made by `qwen-infra recommend`; deploy with "
        f"`pulumi stack init {name} && pulumi up`.\n"
    )
    return described + yaml.safe_dump(build_stack_file(choice, name), sort_keys=False)


def _write(path: Path, text: str, *, force: bool) -> None:
    from qwen_infra.cli.output import say
    from qwen_infra.errors import ConfigurationError

    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigurationError(
            "this stack file exists already", where=str(path), mend="add --force to replace it"
        ) from None
    say(f"wrote {path}")


def _tell_nothing_fits(request: "RecommendRequest", *, as_json: bool) -> None:
    from qwen_infra.cli.output import print_json
    from qwen_infra.sizing.recommend import find_nearest_request

    nearest = find_nearest_request(request)
    if as_json:
        changed: dict[str, Any] | None = None
        if nearest is not None:
            changed = {"gpus": nearest.gpus, "context": nearest.max_model_len}
        print_json({"choices": [], "nearest": changed})
        return
    wanted = "its native context" if request.max_model_len is None else f"{request.max_model_len} tokens of context"
    print(f"nothing fits on {request.gpus} x {request.gpu.name} with {wanted}")
    if nearest is not None:
        flags = f"--gpu {nearest.gpu.name} --gpus {nearest.gpus} --for {nearest.purpose}"
        print(f"what fits: qwen-infra recommend {flags} --context {nearest.max_model_len}")
