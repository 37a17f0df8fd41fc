"""``qwen-infra verify``: the verification suite against any OpenAI-compatible endpoint."""

import os
from typing import Annotated

import typer

__all__ = ["verify"]


def verify(
    url: Annotated[str, typer.Option(help="Address of the server, such as http://127.0.0.1:8000.")],
    model: Annotated[str, typer.Option(help="Name that the server gives the model.")],
    api_key_env: Annotated[str, typer.Option(help="Environment variable with the API key.")] = "VLLM_API_KEY",
    level: Annotated[str, typer.Option(help="Which cases run.")] = "smoke",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Prove that a server answers correctly; exit code 1 when it does not.

    Example: qwen-infra verify --url http://127.0.0.1:8000 --model qwen3.5
    """
    import asyncio

    from qwen_infra.cli.output import print_json, say_over
    from qwen_infra.client import Endpoint
    from qwen_infra.verification import LEVELS, render_table, run_suite

    if level not in LEVELS:
        raise typer.BadParameter(f"{level!r} is not one of {', '.join(LEVELS)}", param_hint="--level")
    endpoint = Endpoint(url=url, model=model, api_key=os.environ.get(api_key_env) or None)
    report = asyncio.run(run_suite(endpoint, level=level, progress=say_over))
    say_over("")
    if as_json:
        print_json(report.model_dump(mode="json"))
    else:
        print(render_table(report))
    raise typer.Exit(0 if report.passed else 1)
