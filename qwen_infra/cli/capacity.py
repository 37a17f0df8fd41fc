"""``qwen-infra capacity``: what a kept benchmark says about cost, replicas and drain time."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["capacity"]


def capacity(
    stack: Annotated[str, typer.Option(help="The stack.")],
    run: Annotated[Path | None, typer.Argument(help="A result's file; default: the newest.")] = None,
    gpu_price: Annotated[float | None, typer.Option(min=0, help="Price of one GPU an hour.")] = None,
    rate: Annotated[float | None, typer.Option(min=0, help="Requests a second that are wanted.")] = None,
    results: Annotated[Path, typer.Option(help="Folder of the history.")] = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Tell cost, replicas and drain time from a kept benchmark.

    Example: qwen-infra capacity --stack gb200 --gpu-price 4.5 --rate 20
    """
    from qwen_infra.benchmark import derive_capacity, find_latest, read_benchmark
    from qwen_infra.cli.output import print_json, print_table, say
    from qwen_infra.errors import ConfigurationError

    path = run or find_latest(root=results, stack=stack, kind="benchmark")
    if path is None:
        raise ConfigurationError(
            "there is no benchmark of this stack",
            where="--stack",
            found=stack,
            mend=f"pulumi up --stack {stack}, or qwen-infra bench --stack {stack} --url URL --model NAME",
        )
    result = read_benchmark(path)
    found = derive_capacity(result, gpu_price_per_hour=gpu_price, request_rate=rate)
    if as_json:
        print_json({"file": str(path), "simulated": result.simulated, **found.model_dump()})
        return
    labels = {
        "output_tokens_per_s_per_gpu": "output tokens a second and GPU",
        "output_tokens_per_s_per_user": "output tokens a second and user",
        "tpot_share_of_limit": "share of the least possible TPOT",
        "throughput_share_of_limit": "share of the most possible throughput",
        "cost_per_million_output_tokens": "cost of a million output tokens",
        "replicas_for_rate": f"replicas for {rate:g} requests a second" if rate else "replicas",
        "drain_s": "drain time to allow (s)",
    }
    values = found.model_dump()
    rows = [(text, None if values[key] is None else f"{values[key]:.4g}") for key, text in labels.items()]
    print_table(("capacity", "value"), rows)
    if found.is_lower_bound:
        say("the run was paced by its arrivals: the server may be able to do more")
    if result.simulated:
        say(f"these figures come from {result.provenance.description} and say nothing about a GPU")
