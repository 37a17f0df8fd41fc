"""``qwen-infra connect``: a local URL that stays alive while pods restart."""

from typing import Annotated

import typer

__all__ = ["connect"]


def connect(
    stack: Annotated[str | None, typer.Option(help="Stack whose endpoint is meant; default: the demo's.")] = None,
    server: Annotated[str | None, typer.Option(help="Which of the stack's servers, when it has several.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Local port; 0: any free one.")] = 8000,
    address: Annotated[str, typer.Option(help="Local address to listen on.")] = "127.0.0.1",
    as_json: Annotated[bool, typer.Option("--json", help="The URL as a JSON document, once it works.")] = False,
) -> None:
    """Open a local URL to an endpoint and keep it alive while pods restart; Ctrl-C ends it.

    While no pod runs, requests wait for up to two minutes instead of failing.

    Example: qwen-infra connect --stack gb200 --port 8000
    """
    import asyncio
    import contextlib
    from pathlib import Path

    from qwen_infra.cli.existing import ask_which_server
    from qwen_infra.cli.output import print_json, say
    from qwen_infra.cli.running_demo import enter_demo
    from qwen_infra.cli.stack_endpoint import choose_plan, kubectl_of, load_plans
    from qwen_infra.cluster.steady_forward import SteadyForward

    stack = stack or enter_demo(Path())
    if stack is None:
        raise ask_which_server("qwen-infra connect", takes_url=False)
    plan = choose_plan(load_plans(stack), server)
    forward = SteadyForward(
        kubectl_of(plan),
        plan.cluster.namespace,
        f"service/{plan.endpoint.service_name}",
        plan.endpoint.port,
        local_port=port,
        address=address,
        report=say,
    )

    async def serve() -> None:
        async with forward.run() as url:
            found = {"url": url, "model": plan.server.arguments.served_model_name, "service": forward.target}
            if as_json:
                print_json(found)
            else:
                print(
                    f"{url} reaches {forward.target} in namespace {plan.cluster.namespace}; Ctrl-C ends it", flush=True
                )
            await asyncio.Event().wait()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve())
