"""``make demo``: cluster, model server, ``pulumi up``, the tables, and how to look around."""

import platform
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from qwen_infra import local, toolchain
from qwen_infra.benchmark import (
    REFERENCE_FIGURES,
    find_latest,
    read_benchmark,
    read_result,
    render_benchmark_table,
    validate_result,
)
from qwen_infra.demo.workspace import STACK, open_workspace
from qwen_infra.errors import CheckFailedError, ConfigurationError
from qwen_infra.verification import VerificationReport, render_table

__all__ = ["run_demo", "stop_demo"]

Say = Callable[[str], None]
ServerChoice = Literal["auto", "vllm", "simulator"]

LOOK_AROUND = """
Talk to it:
  make chat

Look around:
  source .demo/env
  pulumi preview --stack gb200 --diff
  pulumi stack output --stack gb200
  kubectl --namespace qwen get deployments,pods,services,jobs
  kubectl --namespace qwen port-forward service/vllm-qwen35-397b-service 8000:8000 &
  export KEY=$(kubectl --namespace qwen get secret vllm-qwen35-397b-api-key -o jsonpath='{.data.api-key}' | base64 -d)
  curl http://127.0.0.1:8000/v1/chat/completions -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \\
    -d '{"model": "qwen3.5", "messages": [{"role": "user", "content": "你好,请介绍一下你自己"}]}'

Take it down:
  make demo-down"""


def run_demo(project: Path, server: ServerChoice, say: Say) -> None:
    """Deploy the gb200 stack of ``project`` on a simulated cluster; repeating it changes nothing that is right.

    ``auto`` is real vLLM where its wheels install, else the simulator.

    Raises:
        ConfigurationError: not in the project's folder.
        EnvironmentMissingError: a program could not be had, the cluster did not start.
        CheckFailedError: ``pulumi up`` failed; its own message stands above.
    """
    _require_project(project)
    started = time.monotonic()
    tools = toolchain.ensure(toolchain.PROGRAMS, report=say)
    say(f"[1/4] programs: {tools.bin_folder}")
    cluster = local.up(
        STACK,
        profile="gb200",
        server=_choose_server(server, say),
        bin_folder=tools.bin_folder,
        state_root=project / ".demo" / "cluster",
        report=say,
    )
    say(f"[2/4] cluster: real Kubernetes, simulated nodes, {cluster.kubeconfig}")
    workspace = open_workspace(project, tools, cluster.kubeconfig)
    say(f"[3/4] pulumi up --stack {STACK} --yes")
    if workspace.run("pulumi", "up", "--stack", STACK, "--yes", "--skip-preview") != 0:
        raise CheckFailedError(
            "pulumi up failed; its message stands above",
            where=f"stack {STACK}",
            mend="mend what it names, then run make demo again: only what is missing is done again",
        )
    say(f"[4/4] deployed in {time.monotonic() - started:.0f} s")
    _show_results(project)
    print(LOOK_AROUND)


def _choose_server(choice: ServerChoice, say: Say) -> Literal["vllm", "simulator"]:
    if choice == "auto" and not local.has_vllm_wheels():
        say(f"vLLM for the CPU has no wheel for {sys.platform} on {platform.machine()}: the simulator answers instead")
        return "simulator"
    if choice == "simulator":
        return "simulator"
    if local.reads_prompts_slowly():
        say("this processor has no AVX512-BF16, so vLLM reads prompts slowly: the benchmark takes about seven minutes")
        say("(make demo SERVER=simulator takes half a minute anywhere)")
    return "vllm"


def stop_demo(project: Path, say: Say) -> None:
    """Stop the demo's cluster and remove ``.demo``; results and built programs stay."""
    _require_project(project)
    folder = project / ".demo"
    if not folder.exists():
        say("there is no demo here")
        return
    local.down(STACK, state_root=folder / "cluster")
    shutil.rmtree(folder)
    say("the demo is down; results/ is kept")


def _require_project(project: Path) -> None:
    """Before anything is started: a cluster without a program to deploy would only be left running."""
    for name in (f"Pulumi.{STACK}.yaml", "Pulumi.yaml", "__main__.py"):
        if not (project / name).is_file():
            raise ConfigurationError(
                f"there is no {name} here", where=str(project), mend="run it in the folder of the repository"
            )


def _show_results(project: Path) -> None:
    root = project / "results"
    shown = []
    for kind, show in (("verification", _show_verification), ("benchmark", _show_benchmark)):
        path = find_latest(root=root, stack=STACK, kind=kind)
        if path is not None:
            print(f"\n{show(path)}")
            shown.append(str(path.relative_to(project)))
    if shown:
        print(f"\nWritten to: {', '.join(shown)}")


def _show_verification(path: Path) -> str:
    return render_table(validate_result(VerificationReport, read_result(path), path, kind="verification"))


def _show_benchmark(path: Path) -> str:
    table = render_benchmark_table(read_benchmark(path), reference=REFERENCE_FIGURES)
    judgement = read_result(path).get("slos", {})
    return f"{table}\nSLOs: {judgement.get('reason', 'none')}"
