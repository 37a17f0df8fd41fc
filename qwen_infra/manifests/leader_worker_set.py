"""A server that spans several nodes: a LeaderWorkerSet whose leader answers and whose workers are headless ranks.

vLLM's own launch (0.32, ``--nnodes``): every pod has the same command but for its rank; the controller of
LeaderWorkerSet gives each pod its rank (``LWS_WORKER_INDEX``) and the leader's address (``LWS_LEADER_ADDRESS``).
"""

from copy import deepcopy
from typing import Any

from qwen_infra.manifests.names import Names
from qwen_infra.manifests.pod import build_pod_template
from qwen_infra.manifests.replicas import build_replicas
from qwen_infra.planning import DeploymentPlan

__all__ = ["CHANNEL", "LEADER", "ROLE_LABEL", "build_compute_domain", "build_leader_worker_set"]

ROLE_LABEL = "qwen-infra.dev/role"
LEADER, WORKER = "leader", "worker"
CHANNEL = "compute-domain-channel"
MASTER_PORT = "29501"
"""vLLM's default ``--master-port``; also the one at which data parallel ranks meet, 29550, is left as it is."""
LEADER_ONLY = ("startupProbe", "readinessProbe", "livenessProbe", "lifecycle", "ports")
"""A headless worker listens on no port; the group is restarted as a whole when it ends."""
MULTI_NODE_NVLINK = {"NCCL_MNNVL_ENABLE": "1", "NCCL_CUMEM_ENABLE": "1"}


def build_leader_worker_set(plan: DeploymentPlan, names: Names) -> dict[str, Any]:
    """``replicas`` groups of ``nodes`` pods; a group restarts as a whole, since no rank works without the others."""
    return {
        "apiVersion": "leaderworkerset.x-k8s.io/v1",
        "kind": "LeaderWorkerSet",
        "metadata": {
            "name": names.generation,
            "namespace": names.namespace,
            "labels": names.generation_labels,
            "annotations": {"qwen-infra.dev/model-revision": plan.cache.revision},
        },
        "spec": {
            **build_replicas(plan),
            # no group more than there are: the nodes of a group are the scarcest thing
            "rolloutStrategy": {
                "type": "RollingUpdate",
                "rollingUpdateConfiguration": {"maxSurge": 0, "maxUnavailable": 1},
            },
            "startupPolicy": "LeaderCreated",
            "leaderWorkerTemplate": {
                "size": plan.server.nodes_per_replica,
                "restartPolicy": "RecreateGroupOnPodRestart",
                "leaderTemplate": _template(plan, names, LEADER),
                "workerTemplate": _template(plan, names, WORKER),
            },
        },
    }


def build_compute_domain(plan: DeploymentPlan, names: Names) -> dict[str, Any]:
    """The domain in which GPUs of several trays share memory; its driver makes the claim template that it names."""
    return {
        "apiVersion": "resource.nvidia.com/v1beta1",
        "kind": "ComputeDomain",
        "metadata": {"name": names.generation, "namespace": names.namespace, "labels": names.generation_labels},
        "spec": {
            "numNodes": plan.server.nodes_per_replica * plan.server.replicas,
            "channel": {"allocationMode": "Single", "resourceClaimTemplate": {"name": f"{names.generation}-channel"}},
        },
    }


def _template(plan: DeploymentPlan, names: Names, role: str) -> dict[str, Any]:
    template = deepcopy(build_pod_template(plan, names))
    template["metadata"]["labels"] = {**template["metadata"]["labels"], ROLE_LABEL: role}
    spec = template["spec"]
    (container,) = spec["containers"]
    is_leader = role == LEADER
    rank = "0" if is_leader else "$(LWS_WORKER_INDEX)"
    container["command"] += ["--master-addr", "$(LWS_LEADER_ADDRESS)", "--master-port", MASTER_PORT]
    container["command"] += ["--node-rank", rank, *([] if is_leader else ["--headless"])]
    if not is_leader:
        for key in LEADER_ONLY:
            container.pop(key, None)
    _spread(spec, names)
    if plan.server.compute_domain:
        _join_compute_domain(spec, names)
    return template


def _spread(spec: dict[str, Any], names: Names) -> None:
    """One pod of the server a node: the ranks of a node are all in one pod."""
    rule = {"labelSelector": {"matchLabels": names.selector}, "topologyKey": "kubernetes.io/hostname"}
    affinity = spec.setdefault("affinity", {})
    affinity["podAntiAffinity"] = {"requiredDuringSchedulingIgnoredDuringExecution": [rule]}


def _join_compute_domain(spec: dict[str, Any], names: Names) -> None:
    spec["resourceClaims"] = [{"name": CHANNEL, "resourceClaimTemplateName": f"{names.generation}-channel"}]
    (container,) = spec["containers"]
    container["resources"]["claims"] = [{"name": CHANNEL}]
    container["env"] += [{"name": name, "value": value} for name, value in MULTI_NODE_NVLINK.items()]
