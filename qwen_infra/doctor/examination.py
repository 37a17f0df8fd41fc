"""Everything that is looked at, side by side where one does not need the other."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from qwen_infra.cluster import ClusterAccess, Kubectl, KubectlError
from qwen_infra.doctor.cluster import can_reach, examine_needs, examine_permissions, reach
from qwen_infra.doctor.finding import Finding, missing, ok, unknown
from qwen_infra.doctor.gpus import examine_gpus, read_gpu_nodes
from qwen_infra.doctor.hub import examine_hub
from qwen_infra.doctor.machine import examine_machine
from qwen_infra.errors import QwenInfraError
from qwen_infra.manifests import render_objects
from qwen_infra.planning import DeploymentPlan, make_plan
from qwen_infra.settings import load_stack_file

__all__ = ["examine"]

DEFAULT_NAMESPACE = "qwen"


def examine(
    folder: Path,
    environment: Mapping[str, str],
    *,
    stack: str | None = None,
    access: ClusterAccess | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Finding]:
    """All findings: the machine's, the stack file's, the cluster's, the Hub's.

    Args:
        folder: where ``Pulumi.yaml`` and the stack files are.
        environment: variables of the shell (``PULUMI_CONFIG_PASSPHRASE`` and so on).
        stack: whose file says what is needed; without it only what every deployment needs is looked for.
        access: the cluster, where no stack says it.
        progress: told what is being looked at.
    """
    plan, stack_row = (None, None) if stack is None else _read_plan(folder, stack)
    if plan is not None:
        access = ClusterAccess(plan.cluster.kubeconfig, plan.cluster.context)
    progress("looking at this machine, the cluster and the Hub")
    with ThreadPoolExecutor(3) as pool:
        machine = pool.submit(examine_machine, environment, folder, stack)
        cluster = pool.submit(_examine_cluster, Kubectl(access or ClusterAccess()), plan)
        hub = pool.submit(_examine_hub, plan, environment)
        stack_rows = [] if stack_row is None else [stack_row]
        return [*machine.result(), *stack_rows, *cluster.result(), *hub.result()]


def _read_plan(folder: Path, stack: str) -> tuple[DeploymentPlan | None, Finding]:
    what = f"Pulumi.{stack}.yaml"
    try:
        plan = make_plan(load_stack_file(folder, stack))
    except QwenInfraError as error:
        return None, missing(what, error.what, error.mend or f"correct {what}")
    gpu = plan.server.gpu
    return plan, ok(what, f"{plan.model_name} fits {gpu.count} x {gpu.name}")


def _examine_cluster(kubectl: Kubectl, plan: DeploymentPlan | None) -> list[Finding]:
    first = reach(kubectl)
    if not can_reach(first):
        return [first, unknown("GPU nodes", "the cluster cannot be asked"), unknown("permissions", "likewise")]
    namespace = plan.cluster.namespace if plan else DEFAULT_NAMESPACE
    try:
        nodes = read_gpu_nodes(kubectl)
        gpu_rows = examine_gpus(nodes, plan)
    except KubectlError as error:
        gpu_rows = [missing("GPU nodes", error.what, error.mend or "kubectl get nodes")]
    rows = [first, *examine_permissions(kubectl, namespace), *gpu_rows]
    if plan is not None:
        creates = plan.cluster.create_namespace
        rows += examine_needs(kubectl, namespace, render_objects(plan), creates_namespace=creates)
    return rows


def _examine_hub(plan: DeploymentPlan | None, environment: Mapping[str, str]) -> list[Finding]:
    if plan is None or not plan.cache.storage.download:
        return []
    cache = plan.cache
    token = environment.get("HF_TOKEN")
    return [examine_hub(cache.repository, cache.revision, cache.storage.hub_endpoint, token)]
