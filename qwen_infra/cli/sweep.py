"""``qwen-infra sweep``: how much a server gives as more users come, and where more of them only wait."""

import os
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["sweep"]


def sweep(
    url: Annotated[str, typer.Option(help="Address of the server, such as http://127.0.0.1:8000.")],
    model: Annotated[str, typer.Option(help="Name that the server gives the model.")],
    api_key_env: Annotated[str, typer.Option(help="Environment variable with the API key.")] = "VLLM_API_KEY",
    input_tokens: Annotated[int, typer.Option(min=1, help="Tokens of each prompt.")] = 1024,
    output_tokens: Annotated[int, typer.Option(min=1, help="Tokens of each answer.")] = 256,
    limit: Annotated[int, typer.Option(min=1, help="Most requests at once.")] = 512,
    seed: Annotated[int, typer.Option(help="Of the prompts.")] = 0,
    stack: Annotated[str | None, typer.Option(help="Keep the sweep in this stack's history, for its report.")] = None,
    results: Annotated[Path, typer.Option(help="Folder of the history.")] = Path("results"),
    out: Annotated[Path | None, typer.Option(help="File for every result as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Find the concurrency beyond which a server gives no more.

    Example: qwen-infra sweep --url http://127.0.0.1:8000 --model qwen3.5
    """
    import asyncio

    from qwen_infra.benchmark import BenchmarkOptions, Workload, run_sweep, write_result
    from qwen_infra.cli.out_file import require_writable
    from qwen_infra.cli.output import print_json, print_table, say, say_over
    from qwen_infra.client import Endpoint

    require_writable(out, "--out")
    workload = Workload(
        input_tokens=input_tokens, output_tokens=output_tokens, num_prompts=1, ignore_eos=True, seed=seed
    )
    endpoint = Endpoint(url=url, model=model, api_key=os.environ.get(api_key_env) or None)
    options = BenchmarkOptions(stop_on_ctrl_c=True)
    found = asyncio.run(
        run_sweep(endpoint, workload, limit=limit, vocabulary_size=None, progress=say_over, options=options)
    )
    say_over("")
    if stack is not None:
        say(f"kept as {write_result(found, root=results, stack=stack, kind='sweep')}")
    if out is not None:
        out.write_text(found.model_dump_json(indent=2) + "\n", "utf-8")
        say(f"wrote {out}")
    if as_json:
        print_json(found.model_dump(mode="json", exclude={"results"}))
    else:
        columns = ("at once", "tok/s", "tok/s/user", "TTFT p99 ms", "TPOT ms", "answered")
        rows = [
            (
                f"{point.concurrency}{' *' if point.concurrency == found.knee else ''}",
                f"{point.output_throughput:.0f}",
                None if point.tokens_per_s_per_user is None else f"{point.tokens_per_s_per_user:.1f}",
                None if point.p99_ttft_ms is None else f"{point.p99_ttft_ms:.0f}",
                None if point.mean_tpot_ms is None else f"{point.mean_tpot_ms:.2f}",
                f"{point.success_rate:.0%}",
            )
            for point in found.points
        ]
        print_table(columns, rows, right=columns)
        print(f"* knee: least concurrency with nine tenths of the best throughput. Stopped: {found.stopped_because}.")
        if found.simulated:
            print(f"These figures do not come from a GPU ({found.made_with}) and say nothing about one.")
    raise typer.Exit(0 if found.knee is not None else 1)
