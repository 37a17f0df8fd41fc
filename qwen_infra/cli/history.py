"""``qwen-infra history``: the benchmarks that were kept, newest last."""

from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["history"]


def history(
    stack: Annotated[str | None, typer.Option(help="Only this stack; default: all.")] = None,
    workload: Annotated[str | None, typer.Option(help="Only this workload.")] = None,
    last: Annotated[int, typer.Option(min=1, help="How many of the newest.")] = 20,
    results: Annotated[Path, typer.Option(help="Folder of the history.")] = Path("results"),
    form: Annotated[str, typer.Option("--format", help="table, csv (for pandas), vllm or llm-d.")] = "table",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """List the benchmarks that were kept, oldest first.

    Examples:
        qwen-infra history --stack gb200
        qwen-infra history --format csv
    """
    from qwen_infra.benchmark import (
        export_csv,
        list_results,
        list_stacks,
        read_benchmark,
        to_benchmark_report,
        to_row,
        to_vllm,
    )
    from qwen_infra.cli.output import print_json, print_table, say
    from qwen_infra.errors import ConfigurationError

    if form not in {"table", "csv", "vllm", "llm-d"}:
        raise typer.BadParameter(f"{form!r} is not one of table, csv, vllm, llm-d", param_hint="--format")
    stacks = [stack] if stack else list_stacks(results)
    found = []
    for path in (path for name in stacks for path in list_results(root=results, stack=name, kind="benchmark")):
        try:
            result = read_benchmark(path)
        except ConfigurationError as error:
            say(f"passed over: {error}")
            continue
        if workload in {None, result.workload.name}:
            found.append((path, result))
    found = sorted(found, key=lambda pair: pair[0].name)[-last:]
    if form == "csv":
        print(export_csv([result for _, result in found]), end="")
    elif form in {"vllm", "llm-d"}:
        print_json([to_vllm(result) if form == "vllm" else to_benchmark_report(result) for _, result in found])
    elif as_json:
        print_json({"runs": [{"file": str(path), **to_row(result)} for path, result in found]})
    elif not found:
        say(f"no benchmark is kept in {results}")
    else:
        columns = ("date", "stack", "workload", "on", "tok/s", "TTFT p99", "TPOT", "ok", "file")
        print_table(columns, [_row(path, result) for path, result in found], right=columns[4:8])


def _row(path: Path, result: Any) -> tuple[object, ...]:
    def show(key: str) -> str | None:
        value = result.value(key)
        return None if value is None else f"{value:.4g}"

    total = result.completed + result.failed + result.unfinished
    return (
        result.started_at.strftime("%m-%d %H:%M"),
        path.parent.name,
        result.workload.name,
        result.provenance.hardware,
        show("output_throughput"),
        show("p99_ttft_ms"),
        show("mean_tpot_ms"),
        f"{result.completed}/{total}",
        path.name,
    )
