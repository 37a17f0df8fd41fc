"""The pods of deployed servers against the manifests in Pulumi's state: one request a server, nothing is changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qwen_infra.cluster import ClusterAccess, Kubectl
from qwen_infra.cluster.hardware import image_digests
from qwen_infra.drift import Difference, compare_with_manifests
from qwen_infra.fleet.state import DeployedServer, StackState
from qwen_infra.planning import DeploymentPlan

__all__ = ["Seen", "judge_pods", "look_at_pods"]


@dataclass(frozen=True)
class Seen:
    """What a look at a stack showed: differences, and the digest of the image that each server's pods run."""

    differences: tuple[Difference, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)


def look_at_pods(plans: Sequence[DeploymentPlan], state: StackState) -> Seen:
    """How the pods differ from what the state says was deployed; what the stack file asks for does not matter.

    Raises:
        KubectlError: the cluster cannot be asked.
    """
    cluster = plans[0].cluster
    kubectl = Kubectl(ClusterAccess(cluster.kubeconfig, cluster.context))
    differences: list[Difference] = []
    digests: dict[str, str] = {}
    for server in state.servers:
        if server.manifest:
            pods = kubectl.items("--namespace", server.namespace, "pods", f"--selector=app={server.generation}")
            differences += judge_pods(server, pods, state.stack)
            digests[server.name] = ", ".join(image_digests(pods))
    return Seen(tuple(differences), {name: digest for name, digest in digests.items() if digest})


def judge_pods(server: DeployedServer, pods: Sequence[Mapping[str, Any]], stack: str) -> list[Difference]:
    """Differences of image, command line and variables, then pods that are missing or not ready."""
    place, mend = f"{server.namespace}/{server.name}", f"pulumi up --stack {stack}"
    return [*compare_with_manifests([server.manifest], pods, place, mend), *_judge_readiness(server, pods, place, mend)]


def _judge_readiness(
    server: DeployedServer, pods: Sequence[Mapping[str, Any]], place: str, mend: str
) -> Iterator[Difference]:
    wanted = _count_pods(server.manifest)
    ready = sum(_is_ready(pod) for pod in pods)
    if pods and wanted is not None and ready < wanted:
        what = "fewer pods are ready than were deployed"
        look = f"kubectl --namespace {server.namespace} describe pods --selector=app={server.generation}"
        yield Difference("behaviour", place, what, str(wanted), str(ready), f"look with {look}, then {mend}")


def _count_pods(manifest: Mapping[str, Any]) -> int | None:
    """Pods that the manifest asks for; ``None`` where an autoscaler decides."""
    spec = manifest["spec"]
    if "replicas" not in spec:
        return None
    return int(spec["replicas"]) * int((spec.get("leaderWorkerTemplate") or {}).get("size", 1))


def _is_ready(pod: Mapping[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions") or ()
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)
