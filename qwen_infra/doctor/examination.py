"""Everything that is looked at, side by side where one does not need the other."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from qwen_infra.cluster import ClusterAccess, Kubectl, KubectlError
from qwen_infra.cluster.facts import read_nodes
from qwen_infra.doctor.cluster import can_reach, examine_needs, examine_permissions, reach
from qwen_infra.doctor.finding import Finding, missing, ok, unknown
from qwen_infra.doctor.gpus import examine_nodes
from qwen_infra.doctor.hub import examine_hub
from qwen_infra.doctor.images import examine_images
from qwen_infra.doctor.machine import examine_machine
from qwen_infra.errors import QwenInfraError
from qwen_infra.manifests import render_stack
from qwen_infra.manifests.permissions import USUAL_PERMISSIONS, Permissions, list_permissions
from qwen_infra.planning import DeploymentPlan, make_plans
from qwen_infra.settings import load_stack_deployments

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
    plans, stack_row = ((), None) if stack is None else _read_plans(folder, stack)
    if plans:
        access = ClusterAccess(plans[0].cluster.kubeconfig, plans[0].cluster.context)
    progress("looking at this machine, the cluster and the Hub")
    with ThreadPoolExecutor(3) as pool:
        machine = pool.submit(examine_machine, environment, folder, stack)
        cluster = pool.submit(_examine_cluster, Kubectl(access or ClusterAccess()), plans, environment)
        hub = pool.submit(_examine_hub, plans, environment)
        stack_rows = [] if stack_row is None else [stack_row]
        return [*machine.result(), *stack_rows, *cluster.result(), *hub.result()]


def _read_plans(folder: Path, stack: str) -> tuple[tuple[DeploymentPlan, ...], Finding]:
    what = f"Pulumi.{stack}.yaml"
    try:
        plans = make_plans(load_stack_deployments(folder, stack), stack)
    except QwenInfraError as error:
        return (), missing(what, error.what, error.mend or f"correct {what}")
    told = (f"{plan.model_name} fits {plan.server.gpu.describe()}" for plan in plans)
    return plans, ok(what, ", ".join(told))


def _examine_cluster(
    kubectl: Kubectl, plans: Sequence[DeploymentPlan], environment: Mapping[str, str]
) -> list[Finding]:
    first = reach(kubectl)
    if not can_reach(first):
        return [first, unknown("GPU nodes", "the cluster cannot be asked"), unknown("permissions", "likewise")]
    namespace = plans[0].cluster.namespace if plans else DEFAULT_NAMESPACE
    try:
        nodes = read_nodes(kubectl)
        gpu_rows = [*examine_nodes(nodes, plans), *examine_images(plans, nodes, environment)]
    except KubectlError as error:
        gpu_rows = [missing("GPU nodes", error.what, error.mend or "kubectl get nodes")]
    rows = [first, *examine_permissions(kubectl, namespace, _permissions(plans)), *gpu_rows]
    if plans:
        creates = plans[0].cluster.create_namespace
        rows += examine_needs(kubectl, namespace, render_stack(plans), creates_namespace=creates)
    return rows


def _permissions(plans: Sequence[DeploymentPlan]) -> Permissions:
    """Of all plans; the namespace is ``examine_needs``' question."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for plan in plans:
        for resource, verbs in list_permissions(plan, namespace_exists=True).items():
            found[resource] = max(found.get(resource, ()), verbs, key=len)
    return found or USUAL_PERMISSIONS


def _examine_hub(plans: Sequence[DeploymentPlan], environment: Mapping[str, str]) -> list[Finding]:
    wanted = dict.fromkeys(
        (plan.cache.repository, plan.cache.revision, plan.cache.storage.hub_endpoint)
        for plan in plans
        if plan.cache.storage.download
    )
    return [examine_hub(*one, environment.get("HF_TOKEN")) for one in wanted]
