"""``qwen-infra bench``: the benchmark against any OpenAI-compatible endpoint."""

import math
import os
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["bench"]


def bench(
    url: Annotated[str, typer.Option(help="Address of the server, such as http://127.0.0.1:8000.")],
    model: Annotated[str, typer.Option(help="Name that the server gives the model.")],
    api_key_env: Annotated[str, typer.Option(help="Environment variable with the API key.")] = "VLLM_API_KEY",
    preset: Annotated[
        str | None,
        typer.Option(help="reference (the article's), smoke, interactive, throughput, long-context or agent."),
    ] = None,
    input_tokens: Annotated[int | None, typer.Option(help="Tokens of each prompt.")] = None,
    output_tokens: Annotated[int | None, typer.Option(help="Tokens of each answer.")] = None,
    num_prompts: Annotated[int | None, typer.Option(help="Requests (conversations) to send.")] = None,
    request_rate: Annotated[float | None, typer.Option(help="Arrivals a second.")] = None,
    burstiness: Annotated[float | None, typer.Option(help="1: Poisson; above: steadier; below: burstier.")] = None,
    constant_rate: Annotated[bool, typer.Option("--constant-rate", help="Equal gaps instead.")] = False,
    max_concurrency: Annotated[int | None, typer.Option(help="Requests under way at most.")] = None,
    ignore_eos: Annotated[bool, typer.Option("--ignore-eos", help="Always generate all output tokens.")] = False,
    api: Annotated[str | None, typer.Option(help="completions (token ids) or chat.")] = None,
    prompt_form: Annotated[
        str | None, typer.Option(help="ids (exact), or text, which the server tokenizes as a user's.")
    ] = None,
    sampling: Annotated[
        str | None, typer.Option(help="temperature=0.6,top_k=20, or a card's: Qwen3.5-27B:thinking-coding.")
    ] = None,
    thinking: Annotated[bool | None, typer.Option("--thinking/--no-thinking", help="With --api chat.")] = None,
    prefix_tokens: Annotated[int | None, typer.Option(help="Tokens that all prompts begin with.")] = None,
    turns: Annotated[int | None, typer.Option(help="Requests of each conversation, with --api chat.")] = None,
    dataset: Annotated[Path | None, typer.Option(help="Prompts: *.jsonl, or a ShareGPT *.json.")] = None,
    goodput: Annotated[list[str] | None, typer.Option(help="Limit of a good request: ttft:500, tpot:50 (ms).")] = None,
    percentile: Annotated[list[float] | None, typer.Option(help="Reported beside 50, 90, 95, 99.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of prompts and arrivals.")] = None,
    repeats: Annotated[int | None, typer.Option(help="Runs with other seeds, for the noise band.")] = None,
    tokenizer: Annotated[Path | None, typer.Option(help="Model's folder, instead of asking the server.")] = None,
    stack: Annotated[str | None, typer.Option(help="Keep the result in this stack's history.")] = None,
    results: Annotated[Path, typer.Option(help="Folder of the history.")] = Path("results"),
    out: Annotated[Path | None, typer.Option(help="File for the result.")] = None,
    form: Annotated[str, typer.Option("--format", help="Of --out: native, vllm, csv or llm-d.")] = "native",
    save_detailed: Annotated[
        bool, typer.Option("--save-detailed", help="Every request in --out, with --format vllm.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Measure how fast a server answers; exit code 1 when requests failed.

    Examples:
        qwen-infra bench --url http://127.0.0.1:8000 --model qwen3.5
        --preset reference
        qwen-infra bench --url http://127.0.0.1:8000 --model qwen3.5
        --api chat --no-thinking --input-tokens 2000 --output-tokens 200
        --num-prompts 100 --max-concurrency 16 --goodput ttft:1000
    """
    import asyncio

    from qwen_infra.benchmark import (
        REFERENCE_FIGURES,
        BenchmarkOptions,
        DeploymentFacts,
        build_workload,
        export_result,
        render_benchmark_table,
        run_benchmark,
        write_result,
    )
    from qwen_infra.benchmark.trace import RequestTrace
    from qwen_infra.cli.out_file import require_writable
    from qwen_infra.cli.output import print_json, say, say_over
    from qwen_infra.cli.sampling import read_sampling
    from qwen_infra.client import Endpoint

    given: dict[str, Any] = {
        "preset": preset,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "num_prompts": num_prompts,
        "request_rate": request_rate,
        "burstiness": burstiness,
        "max_concurrency": max_concurrency,
        "ignore_eos": ignore_eos or None,
        "api": api,
        "prompt_form": prompt_form,
        "sampling": None if sampling is None else read_sampling(sampling),
        "thinking": thinking,
        "prefix_tokens": prefix_tokens,
        "turns": turns,
        "dataset": dataset,
        "prompts": _kind_of(dataset),
        "goodput": _read_goodput(goodput),
        "seed": seed,
        "repeats": repeats,
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    workload = build_workload({**chosen, **({"burstiness": None} if constant_rate else {})})
    _require_format(form, save_detailed=save_detailed, out=out)
    require_writable(out, "--out")
    traces: list[RequestTrace] = []
    endpoint = Endpoint(url=url, model=model, api_key=os.environ.get(api_key_env) or None)
    options = BenchmarkOptions(
        stop_on_ctrl_c=True,
        tokenizer=tokenizer,
        percentiles=tuple(percentile or ()),
        keep_traces=traces.extend if save_detailed else lambda _: None,
        deployment=DeploymentFacts(stack=stack),
    )
    result = asyncio.run(run_benchmark(endpoint, workload, vocabulary_size=None, progress=say_over, options=options))
    say_over("")
    if stack is not None:
        say(f"kept as {write_result(result, root=results, stack=stack, kind='benchmark')}")
    if out is not None:
        out.write_text(export_result(result, form, traces), "utf-8")
        say(f"wrote {out}")
    if as_json:
        print_json(result.model_dump(mode="json"))
    else:
        reference = REFERENCE_FIGURES if workload.name == "reference" else None
        print(render_benchmark_table(result, reference=reference))
    raise typer.Exit(0 if result.all_answered else 1)


def _kind_of(dataset: Path | None) -> str | None:
    if dataset is None:
        return None
    return "jsonl" if dataset.suffix == ".jsonl" else "sharegpt"


def _read_goodput(limits: list[str] | None) -> dict[str, float] | None:
    if not limits:
        return None
    try:
        found = {name: float(value) for name, value in (limit.split(":", 1) for limit in limits)}
        if all(map(math.isfinite, found.values())):
            return found
        raise ValueError(limits)
    except ValueError:
        raise typer.BadParameter("is not metric:milliseconds, such as ttft:500", param_hint="--goodput") from None


def _require_format(form: str, *, save_detailed: bool, out: Path | None) -> None:
    from qwen_infra.benchmark import FORMATS

    if form not in FORMATS:
        raise typer.BadParameter(f"{form!r} is not one of {', '.join(FORMATS)}", param_hint="--format")
    if save_detailed and (form != "vllm" or out is None):
        raise typer.BadParameter("needs --format vllm and --out FILE", param_hint="--save-detailed")
