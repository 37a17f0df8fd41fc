"""``qwen-infra local``: the simulated cluster on this machine."""

from typing import Annotated, Literal

import typer

from qwen_infra.cli.output import print_json, say

__all__ = ["app"]

app = typer.Typer(help="Run real Kubernetes with simulated GPU nodes on this machine.", no_args_is_help=True)

Name = Annotated[str, typer.Option(help="Name of the cluster; several run side by side.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Server = Annotated[
    Literal["vllm", "simulator", "none"],
    typer.Option(help="What answers for pods: real vLLM on the CPU with a miniature model, the simulator, or nothing."),
]


@app.command()
def up(
    name: Name = "gb200",
    profile: Annotated[str, typer.Option(help="Nodes: gb200, h100-2node, h200, cpu, or GPU:NODES.")] = "gb200",
    server: Server = "simulator",
    as_json: AsJson = False,
) -> None:
    """Start a cluster; does nothing when it runs already.

    Example: qwen-infra local up --name gb200 --server simulator
    """
    from qwen_infra.local import up as start

    cluster = start(name, profile=profile, server=server, report=say)
    found = {"name": name, "kubeconfig": str(cluster.kubeconfig), "context": cluster.context, "server": server}
    if as_json:
        print_json(found)
        return
    print(f"cluster {name} is up; its nodes are simulated")
    print(f"export KUBECONFIG={cluster.kubeconfig}")


@app.command()
def down(name: Name = "gb200") -> None:
    """Stop a cluster and remove everything of it.

    Example: qwen-infra local down --name gb200
    """
    from qwen_infra.local import down as stop

    print(f"cluster {name} is down" if stop(name) else f"cluster {name} was not there")


@app.command("install-kinds")
def install_kinds(name: Name = "gb200") -> None:
    """Install the custom kinds that a stack may ask for (Gateway API, KEDA, Prometheus, LeaderWorkerSet, ...).

    Only their definitions: the API server then accepts and judges such objects, and nothing acts on them.

    Example: qwen-infra local install-kinds --name gb200
    """
    from qwen_infra.local import install_custom_kinds

    for kind in install_custom_kinds(name):
        print(kind)


@app.command("run-groups")
def run_groups(name: Name = "gb200") -> None:
    """Run the controller of LeaderWorkerSet beside the cluster: servers over several nodes then get their pods.

    It ends with the cluster. Built from its Go module where it is not on PATH (seconds, once the toolchain is there).

    Example: qwen-infra local run-groups --name gb200
    """
    from qwen_infra.local import start_group_controller

    print(f"the controller of LeaderWorkerSet runs beside {name} (process {start_group_controller(name)})")


@app.command()
def status(
    name: Annotated[str | None, typer.Option(help="Name of the cluster; default: all.")] = None, as_json: AsJson = False
) -> None:
    """Show what runs: clusters, their nodes, the servers behind their pods; exit code 1 when something is unwell.

    Example: qwen-infra local status --name gb200
    """
    from dataclasses import asdict

    from qwen_infra.local import status as look

    found = look(name)
    if as_json:
        print_json([asdict(cluster) for cluster in found])
    for cluster in [] if as_json else found:
        print(
            f"{cluster.name}: {'running' if cluster.healthy else 'not well'}, server {cluster.server} (simulated nodes)"
        )
        for node in cluster.nodes:
            print(f"  node {node.name}: {'ready' if node.ready else 'not ready'}, {node.gpus} x {node.gpu_product}")
        for server in cluster.servers:
            print(f"  pod {server.namespace}/{server.pod}: {server.kind}, {server.state}, port {server.port}")
    if not found and not as_json:
        print("no local cluster")
    raise typer.Exit(0 if all(cluster.healthy for cluster in found) else 1)


@app.command()
def prepare() -> None:
    """Install vLLM for the CPU and train the miniature model, so that nothing has to be waited for later.

    Example: qwen-infra local prepare
    """
    from qwen_infra.local import ensure_miniature, ensure_vllm

    ensure_vllm(say)
    print(ensure_miniature(say))


@app.command()
def fault(
    faults: Annotated[list[str] | None, typer.Argument(help="Faults to switch on; none switches all off.")] = None,
    name: Name = "gb200",
) -> None:
    """Switch faults of a cluster's simulated servers on or off.

    Example: qwen-infra local fault wrong-answer --name gb200
    """
    from qwen_infra.local import set_faults

    set_faults(name, faults or [])
    print(f"faults of {name}: {', '.join(faults) if faults else 'none'}")
