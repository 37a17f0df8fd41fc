"""``qwen-infra fit``: memory, blocks and concurrency of one configuration, before anything is downloaded."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qwen_infra.sizing.kv_cache import KvCacheDtype, StateDtype

if TYPE_CHECKING:
    from qwen_infra.cli.fit_question import Answer

__all__ = ["fit"]


def fit(
    stack: Annotated[
        str | None, typer.Option(help="Stack whose file is asked about; flags beside it change it for this question.")
    ] = None,
    server: Annotated[str | None, typer.Option(help="One server of a stack with several; default: each.")] = None,
    model: Annotated[str | None, typer.Option(help="Model, such as Qwen3.5-27B.")] = None,
    precision: Annotated[str | None, typer.Option(help="bf16 (default), fp8, gptq-int4 or nvfp4.")] = None,
    gpu: Annotated[str | None, typer.Option(help="GPU, such as GB200.")] = None,
    tp: Annotated[int | None, typer.Option("--tp", "--tensor-parallel-size", help="Tensor parallel size; 1.")] = None,
    pp: Annotated[int | None, typer.Option("--pp", "--pipeline-parallel-size", help="Pipeline stages; 1.")] = None,
    dp: Annotated[int | None, typer.Option("--dp", "--data-parallel-size", help="Engines sharing experts; 1.")] = None,
    expert_parallel: Annotated[
        bool | None, typer.Option("--expert-parallel", "--enable-expert-parallel", help="Whole experts on each GPU.")
    ] = None,
    max_model_len: Annotated[int | None, typer.Option(help="Prompt plus answer, in tokens; the native one.")] = None,
    long_context: Annotated[bool | None, typer.Option("--long-context", help="Allow more than native (YaRN).")] = None,
    gpu_memory_utilization: Annotated[float | None, typer.Option(help="vLLM's share of the memory; 0.92.")] = None,
    max_num_seqs: Annotated[int | None, typer.Option(help="Requests at once; the safe number.")] = None,
    max_num_batched_tokens: Annotated[int | None, typer.Option(help="Tokens of a step; vLLM's for that GPU.")] = None,
    text_only: Annotated[bool | None, typer.Option("--text-only", help="Without the vision tower.")] = None,
    mtp: Annotated[int | None, typer.Option(help="Speculative tokens of multi-token prediction; 0.")] = None,
    no_prefix_caching: Annotated[bool | None, typer.Option("--no-prefix-caching", help="Prefix caching off.")] = None,
    kv_cache_dtype: Annotated[KvCacheDtype | None, typer.Option(help="Type of the cached keys and values.")] = None,
    state_dtype: Annotated[
        StateDtype | None, typer.Option("--state-dtype", "--mamba-ssm-cache-dtype", help="Type of the GDN state.")
    ] = None,
    block_size: Annotated[int | None, typer.Option(help="vLLM's --block-size, in tokens.")] = None,
    encoder_data_parallel: Annotated[
        bool | None, typer.Option("--encoder-data-parallel", help="The whole vision tower on each GPU.")
    ] = None,
    enforce_eager: Annotated[bool | None, typer.Option("--enforce-eager", help="Without CUDA graphs.")] = None,
    from_hub: Annotated[
        bool, typer.Option("--from-hub", help="--model is owner/name on the Hub; its config.json says the rest.")
    ] = False,
    plot: Annotated[Path | None, typer.Option(help="Write stacked bars to FILE: .html, .svg or .png.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Predict memory, cache blocks and concurrency.

    The arithmetic is vLLM's own, down to the block. When it does not fit, the changes that do are listed and the
    exit code is 1.

    Examples:
        qwen-infra fit --stack gb200
        qwen-infra fit --model Qwen3.5-27B --precision fp8 --gpu H100
          --max-model-len 131072
    """
    from qwen_infra.cli.fit_question import Question, ask_each

    changes = {
        "precision": precision,
        "tensor_parallel_size": tp,
        "pipeline_parallel_size": pp,
        "data_parallel_size": dp,
        "expert_parallel": expert_parallel,
        "max_model_len": max_model_len,
        "long_context": long_context,
        "gpu_memory_utilization": gpu_memory_utilization,
        "max_num_seqs": max_num_seqs,
        "max_num_batched_tokens": max_num_batched_tokens,
        "text_only": text_only,
        "mtp_tokens": mtp,
        "prefix_caching": None if no_prefix_caching is None else not no_prefix_caching,
        "kv_cache_dtype": kv_cache_dtype,
        "state_dtype": state_dtype,
        "block_size": block_size,
        "replicates_vision": encoder_data_parallel,
        "enforce_eager": enforce_eager,
    }
    given = {name: value for name, value in changes.items() if value is not None}
    answers = ask_each(Question(stack=stack, server=server, model=model, gpu=gpu, from_hub=from_hub, changes=given))
    _tell(answers, plot, as_json)
    raise typer.Exit(0 if all(answer.fit.fits for answer in answers.values()) else 1)


def _tell(answers: dict[str, "Answer"], plot: Path | None, as_json: bool) -> None:
    from qwen_infra.cli.fit_table import print_fit
    from qwen_infra.cli.output import print_json, say

    several = len(answers) > 1
    if plot is not None:
        from qwen_infra.cli.fit_chart import write_chart
        from qwen_infra.errors import ConfigurationError

        if several:
            raise ConfigurationError(
                "a picture shows one server, and the stack has several",
                where="--plot",
                found=", ".join(answers),
                mend=f"add --server {next(iter(answers))}",
            )
        write_chart(next(iter(answers.values())), plot)
        say(f"wrote {plot}")
    if as_json:
        found = {name: answer.to_json() for name, answer in answers.items()}
        fits = all(answer.fit.fits for answer in answers.values())
        print_json({"fits": fits, "deployments": found} if several else next(iter(found.values())))
        return
    for name, answer in answers.items():
        if several:
            print(f"{name}:")
        print_fit(answer)
        if several:
            print()
