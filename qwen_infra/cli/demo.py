"""``qwen-infra demo``: what ``make demo`` runs."""

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = ["demo"]


def demo(
    server: Annotated[
        Literal["auto", "vllm", "simulator"],
        typer.Option(help="Real vLLM on the CPU with a miniature, or the simulator; auto: vLLM where it installs."),
    ] = "auto",
    down: Annotated[bool, typer.Option("--down", help="Take the demo down.")] = False,
) -> None:
    """Deploy the gb200 stack on a simulated cluster, verified and benchmarked, on this machine.

    Example: qwen-infra demo --server simulator
    """
    from qwen_infra.cli.output import say
    from qwen_infra.demo import run_demo, stop_demo

    if down:
        stop_demo(Path.cwd(), say)
    else:
        run_demo(Path.cwd(), server, say)
