"""``qwen-infra baseline``: the run that the next ones are compared with."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(
    help="Choose the run that the next ones are compared with.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("set")
def set_(
    stack: Annotated[str, typer.Option(help="The stack.")],
    run: Annotated[Path | None, typer.Argument(help="A result's file; default: the newest.")] = None,
    workload: Annotated[str | None, typer.Option(help="The newest of this workload.")] = None,
    results: Annotated[Path, typer.Option(help="Folder of the history.")] = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Make a kept run the one to compare with, for its workload and hardware.

    Example: qwen-infra baseline set --stack gb200
    """
    from qwen_infra.benchmark import set_baseline
    from qwen_infra.cli.output import print_json

    baseline = set_baseline(run, root=results, stack=stack, workload=workload)
    if as_json:
        print_json(baseline.model_dump())
    else:
        print(f"{baseline.workload} of {baseline.model} on {baseline.hardware} is compared with {baseline.result}")


@app.command()
def show(
    stack: Annotated[str, typer.Option(help="The stack.")],
    results: Annotated[Path, typer.Option(help="Folder of the history.")] = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Show the baseline of each workload and hardware.

    Example: qwen-infra baseline show --stack gb200
    """
    from qwen_infra.benchmark import list_baselines
    from qwen_infra.cli.output import print_json, print_table, say

    found = list_baselines(root=results, stack=stack)
    if as_json:
        print_json({"baselines": [baseline.model_dump() for baseline in found]})
    elif not found:
        say(f"stack {stack} has no baseline; set one with `qwen-infra baseline set --stack {stack}`")
    else:
        columns = ("server", "model", "workload", "hardware", "file")
        print_table(columns, [(item.server, item.model, item.workload, item.hardware, item.result) for item in found])
