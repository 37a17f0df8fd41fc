"""What a cluster holds and what we may do there, read once before anything is touched.

Reading only; what it means for a deployment is judged in ``qwen_infra.preflight``.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from operator import add
from typing import Any

from qwen_infra.cluster.kubectl import Kubectl, KubectlError, ObjectNotFoundError
from qwen_infra.quantities import parse_quantity

__all__ = [
    "SIMULATED_NODE_ANNOTATION",
    "ClusterFacts",
    "KnownObject",
    "Node",
    "RunningPod",
    "Taint",
    "pod_requests",
    "read_cluster_facts",
    "read_nodes",
]

SIMULATED_NODE_ANNOTATION = "kwok.x-k8s.io/node"
"""kwok plays the kubelet of nodes that carry it (kwok's documentation, "manage nodes with annotation")."""
_NAMELESS_VERBS = frozenset({"create", "list", "watch", "deletecollection"})
"""A rule with ``resourceNames`` never allows them, or not for the whole list that is asked for here. Source:
Kubernetes, "Using RBAC Authorization", "Referring to resources"."""
GROUPS = "leaderworkersets.leaderworkerset.x-k8s.io"


@dataclass(frozen=True)
class Taint:
    """What keeps pods off a node that do not tolerate it."""

    key: str
    value: str | None
    effect: str

    def __str__(self) -> str:
        return f"{self.key}{f'={self.value}' if self.value else ''}:{self.effect}"


@dataclass(frozen=True)
class Node:
    """One node as the scheduler sees it."""

    name: str
    labels: Mapping[str, str]
    allocatable: Mapping[str, str]
    simulated: bool = False
    schedulable: bool = True
    """Not cordoned."""
    ready: bool = True
    taints: tuple[Taint, ...] = ()

    @property
    def amounts(self) -> dict[str, float]:
        """What it can give out: resource to number, processors or bytes."""
        return _amounts(self.allocatable)

    def count(self, resource: str) -> int:
        """Whole units of an extended resource such as ``nvidia.com/gpu``; 0 when the node has none."""
        return int(self.amounts.get(resource, 0))


@dataclass(frozen=True)
class RunningPod:
    """A pod that holds resources of a node; ``app`` is its label of that name."""

    namespace: str
    node: str
    app: str
    requests: Mapping[str, float]


@dataclass(frozen=True)
class KnownObject:
    """An object of the namespace: whose it is, and which pods it is about; ``replicas`` of what makes pods."""

    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    selector: Mapping[str, str] = field(default_factory=dict)
    replicas: int = 0


KnownObjects = Mapping[tuple[str, str], KnownObject]


@dataclass(frozen=True)
class ClusterFacts:
    """Nodes, permissions in one namespace, and whether that namespace and a Secret in it exist."""

    nodes: tuple[Node, ...]
    rules: tuple[Mapping[str, Any], ...] = ()
    rules_complete: bool = False
    namespace_labels: Mapping[str, str] | None = None
    secret_keys: Mapping[str, frozenset[str]] = field(default_factory=dict)
    objects: KnownObjects | None = field(default_factory=dict)
    """(kind, name) of the Services of the namespace, and what makes pods there; None where they may not be listed."""
    pods: tuple[RunningPod, ...] | None = None
    """Pods on nodes that hold resources; None where we may not list those of other namespaces."""
    served_kinds: frozenset[tuple[str, str]] | None = None
    """(apiVersion, kind) of the API groups that were asked for; None where none was."""
    uid: str | None = None
    """Of the namespace ``kube-system``, made once in a cluster's life; None where we may not read it."""

    @property
    def simulated(self) -> bool:
        """Whether every node is simulated, so that nothing measured here is a measurement of a GPU."""
        return bool(self.nodes) and all(node.simulated for node in self.nodes)

    def left_beside(self, pods: Iterable[RunningPod]) -> dict[str, dict[str, float]]:
        """What each node has left beside these pods, by name; without the resources that a node does not tell."""
        left = {node.name: node.amounts for node in self.nodes}
        for pod in pods:
            on_node = left.get(pod.node, {})
            for resource in pod.requests.keys() & on_node.keys():
                on_node[resource] -= pod.requests[resource]
        return left

    def allows(self, verb: str, group: str, resource: str) -> bool:
        """Whether the cluster says that we may; ``True`` too where it cannot list all its rules."""
        return not self.rules_complete or any(_matches(rule, verb, group, resource) for rule in self.rules)


def read_cluster_facts(
    kubectl: Kubectl, namespace: str, *secrets: str, group_versions: Collection[str] = ()
) -> ClusterFacts:
    """Facts of the cluster: a request for each kind of them, each Secret and each API group version, side by side.

    Raises:
        KubectlError: the cluster cannot be reached, or nodes may not be listed.
    """
    with ThreadPoolExecutor(6) as pool:
        nodes = pool.submit(kubectl.items, "nodes")
        pods = pool.submit(_read_pods, kubectl)
        has_groups = any(version.startswith("leaderworkerset.") for version in group_versions)
        listed = ("deployments,services", GROUPS) if has_groups else ("deployments,services",)
        objects = [pool.submit(_read_objects, kubectl, namespace, kinds) for kinds in listed]
        rules = pool.submit(_read_rules, kubectl, namespace)
        uid = pool.submit(_read_uid, kubectl)
        labels = pool.submit(_read_namespace_labels, kubectl, namespace)
        kinds = [pool.submit(_read_served_kinds, kubectl, version) for version in group_versions]
        keys = [pool.submit(_read_secret_keys, kubectl, namespace, secret) for secret in secrets]
        return ClusterFacts(
            nodes=tuple(_node(item) for item in nodes.result()),
            rules=tuple(rules.result().get("resourceRules") or ()),
            rules_complete=not rules.result().get("incomplete", True),
            namespace_labels=labels.result(),
            objects=_merge([read.result() for read in objects]),
            pods=pods.result(),
            served_kinds=frozenset().union(*(kind.result() for kind in kinds)),
            uid=uid.result(),
            secret_keys={name: found for read in keys for name, found in read.result().items()},
        )


def _node(item: Mapping[str, Any]) -> Node:
    meta, spec = item["metadata"], item.get("spec", {})
    return Node(
        name=meta["name"],
        labels=meta.get("labels", {}),
        allocatable=item.get("status", {}).get("allocatable", {}),
        simulated=SIMULATED_NODE_ANNOTATION in meta.get("annotations", {}),
        schedulable=not spec.get("unschedulable", False),
        ready=_is_ready(item.get("status", {}).get("conditions", ())),
        taints=tuple(Taint(one["key"], one.get("value"), one["effect"]) for one in spec.get("taints", ())),
    )


def _is_ready(conditions: Iterable[Mapping[str, Any]]) -> bool:
    """A node that says nothing of it counts as ready."""
    return all(one["status"] == "True" for one in conditions if one["type"] == "Ready")


def read_nodes(kubectl: Kubectl) -> ClusterFacts:
    """Only the nodes and what runs on them.

    Raises:
        KubectlError: nodes may not be listed.
    """
    return ClusterFacts(tuple(_node(item) for item in kubectl.items("nodes")), pods=_read_pods(kubectl))


def _read_objects(kubectl: Kubectl, namespace: str, kinds: str) -> KnownObjects | None:
    try:
        items = kubectl.items("--namespace", namespace, kinds)
    except KubectlError:
        return None
    return {(item["kind"], item["metadata"]["name"]): _known_object(item) for item in items}


def _merge(found: Sequence[KnownObjects | None]) -> KnownObjects | None:
    read = [each for each in found if each is not None]
    return {key: item for each in read for key, item in each.items()} if len(read) == len(found) else None


def _known_object(item: Mapping[str, Any]) -> KnownObject:
    meta, spec = item["metadata"], item.get("spec", {})
    selector = spec.get("selector") or {}
    return KnownObject(
        labels=meta.get("labels", {}),
        annotations=meta.get("annotations", {}),
        selector=selector.get("matchLabels", selector),
        replicas=int(spec.get("replicas", 0)),
    )


def _read_pods(kubectl: Kubectl) -> tuple[RunningPod, ...] | None:
    alive = "--field-selector=status.phase!=Succeeded,status.phase!=Failed,spec.nodeName!="
    try:
        items = kubectl.items("--all-namespaces", "pods", alive)
    except KubectlError:
        return None
    pods = (_running_pod(item) for item in items)
    return tuple(pod for pod in pods if pod.requests)


def _running_pod(item: Mapping[str, Any]) -> RunningPod:
    spec, meta = item["spec"], item["metadata"]
    return RunningPod(meta["namespace"], spec["nodeName"], meta.get("labels", {}).get("app", ""), pod_requests(spec))


def pod_requests(spec: Mapping[str, Any]) -> dict[str, float]:
    """What a pod holds: the sum of its containers, or the most that it held while it began, whichever is more.

    Sidecars are init containers that go on: each counts in the sum, and beside the init containers after it. What the
    pod's runtime takes (``overhead``) comes on top. Source: Kubernetes' pages "Sidecar Containers" and "Pod Overhead".
    """
    running: dict[str, float] = {}
    beginning: dict[str, float] = {}
    for container in spec.get("initContainers", ()):
        together = _combine(running, _requests(container), add)
        if container.get("restartPolicy") == "Always":
            running = together
        else:
            beginning = _combine(beginning, together, max)
    for container in spec.get("containers", ()):
        running = _combine(running, _requests(container), add)
    return _combine(_combine(running, beginning, max), _amounts(spec.get("overhead") or {}), add)


def _combine(
    one: Mapping[str, float], other: Mapping[str, float], how: Callable[[float, float], float]
) -> dict[str, float]:
    return {name: how(one.get(name, 0.0), other.get(name, 0.0)) for name in one.keys() | other.keys()}


def _requests(container: Mapping[str, Any]) -> dict[str, float]:
    return _amounts(container.get("resources", {}).get("requests", {}))


def _amounts(quantities: Mapping[str, Any]) -> dict[str, float]:
    return {name: amount for name, text in quantities.items() if (amount := parse_quantity(text)) is not None}


def _read_rules(kubectl: Kubectl, namespace: str) -> dict[str, Any]:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    answer = kubectl.read("create", "--raw", path, "--filename=-", stdin=json.dumps(review))
    status = answer.get("status", {})
    return status if isinstance(status, dict) else {}


def _read_served_kinds(kubectl: Kubectl, group_version: str) -> frozenset[tuple[str, str]]:
    try:
        answer = kubectl.read("get", "--raw", f"/apis/{group_version}")
    except ObjectNotFoundError:
        return frozenset()
    return frozenset((group_version, item["kind"]) for item in answer.get("resources", ()))


def _read_namespace_labels(kubectl: Kubectl, namespace: str) -> Mapping[str, str] | None:
    try:
        labels = kubectl.get("namespace", namespace)["metadata"].get("labels", {})
    except ObjectNotFoundError:
        return None
    return labels if isinstance(labels, dict) else {}


def _read_uid(kubectl: Kubectl) -> str | None:
    try:
        return str(kubectl.get("namespace", "kube-system")["metadata"]["uid"])
    except KubectlError:
        return None


def _read_secret_keys(kubectl: Kubectl, namespace: str, secret: str) -> Mapping[str, frozenset[str]]:
    try:
        return {secret: frozenset(kubectl.get("--namespace", namespace, "secret", secret).get("data") or {})}
    except ObjectNotFoundError:
        return {}


def _matches(rule: Mapping[str, Any], verb: str, group: str, resource: str) -> bool:
    """A rule for some names may well be for ours; what names no object it does not allow."""
    if rule.get("resourceNames") and verb in _NAMELESS_VERBS:
        return False
    wanted = (("verbs", verb), ("apiGroups", group), ("resources", resource))
    return all({value, "*"} & set(rule.get(key) or ()) for key, value in wanted)
