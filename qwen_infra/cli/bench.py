"""``qwen-infra bench``: the benchmark against any OpenAI-compatible endpoint."""

import os
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["bench"]


def bench(
    url: Annotated[str, typer.Option(help="Address of the server, such as http://127.0.0.1:8000.")],
    model: Annotated[str, typer.Option(help="Name that the server gives the model.")],
    api_key_env: Annotated[str, typer.Option(help="Environment variable with the API key.")] = "VLLM_API_KEY",
    preset: Annotated[str | None, typer.Option(help="A workload by name: reference (the article's) or smoke.")] = None,
    input_tokens: Annotated[int | None, typer.Option(help="Tokens of each prompt.")] = None,
    output_tokens: Annotated[int | None, typer.Option(help="Tokens of each answer.")] = None,
    num_prompts: Annotated[int | None, typer.Option(help="Requests to send.")] = None,
    request_rate: Annotated[float | None, typer.Option(help="Arrivals a second (Poisson).")] = None,
    max_concurrency: Annotated[int | None, typer.Option(help="Requests under way at most.")] = None,
    ignore_eos: Annotated[bool, typer.Option("--ignore-eos", help="Always generate all output tokens.")] = False,
    seed: Annotated[int | None, typer.Option(help="Of prompts and arrivals.")] = None,
    out: Annotated[Path | None, typer.Option(help="File for the result as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Measure how fast a server answers; exit code 1 when requests failed.

    Example: qwen-infra bench --url http://127.0.0.1:8000 --model qwen3.5
        --preset reference
    """
    import asyncio

    from qwen_infra.benchmark import (
        REFERENCE_FIGURES,
        BenchmarkOptions,
        build_workload,
        render_benchmark_table,
        run_benchmark,
    )
    from qwen_infra.cli.output import print_json, say, say_over
    from qwen_infra.client import Endpoint

    given = {
        "preset": preset,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "num_prompts": num_prompts,
        "request_rate": request_rate,
        "max_concurrency": max_concurrency,
        "ignore_eos": ignore_eos or None,
        "seed": seed,
    }
    workload = build_workload({name: value for name, value in given.items() if value is not None})
    endpoint = Endpoint(url=url, model=model, api_key=os.environ.get(api_key_env) or None)
    options = BenchmarkOptions(stop_on_ctrl_c=True)
    result = asyncio.run(run_benchmark(endpoint, workload, vocabulary_size=None, progress=say_over, options=options))
    say_over("")
    if out is not None:
        out.write_text(result.model_dump_json(indent=2) + "\n", "utf-8")
        say(f"wrote {out}")
    if as_json:
        print_json(result.model_dump(mode="json"))
    else:
        reference = REFERENCE_FIGURES if workload.name == "reference" else None
        print(render_benchmark_table(result, reference=reference))
    raise typer.Exit(0 if result.all_answered else 1)
