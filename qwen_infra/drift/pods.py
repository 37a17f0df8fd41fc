"""The pods of a server against the manifests that its plan gives: image, revision, weights, command line, variables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from qwen_infra.cluster.hardware import SERVER_CONTAINER
from qwen_infra.drift.difference import Difference
from qwen_infra.manifests import render_objects
from qwen_infra.planning import DeploymentPlan

__all__ = ["compare_pods", "compare_with_manifests"]

REVISION = "qwen-infra.dev/model-revision"
"""Annotation of the pods (``qwen_infra.manifests.pod``)."""


def compare_pods(plan: DeploymentPlan, pods: Sequence[Mapping[str, Any]]) -> list[Difference]:
    """What the server's pods run that the plan does not ask for; ``pods`` as the API server answers them."""
    place = f"{plan.cluster.namespace}/{plan.server.name}"
    return compare_with_manifests(render_objects(plan), pods, place, f"pulumi up --stack {plan.stack}")


def compare_with_manifests(
    manifests: Iterable[Mapping[str, Any]], pods: Sequence[Mapping[str, Any]], place: str, mend: str
) -> list[Difference]:
    """What pods run that their Deployment or LeaderWorkerSet among ``manifests`` does not ask for.

    Args:
        manifests: objects that were deployed; those without pods of a server are passed over.
        pods: all pods of the server, as the API server answers them.
        place: the server, for the difference that it has no pod.
        mend: the command that brings both together.
    """
    running = [pod for pod in pods if pod.get("status", {}).get("phase") not in {"Succeeded", "Failed"}]
    if not running:
        return [Difference("behaviour", place, "no pod serves this model", "a pod", "none", mend)]
    templates = [template for item in manifests for template in _pod_templates(item)]
    return [found for pod in running for found in _compare_pod(pod, templates, mend)]


def _compare_pod(pod: Mapping[str, Any], templates: Sequence[Mapping[str, Any]], mend: str) -> Iterator[Difference]:
    place = f"Pod {pod['metadata']['namespace']}/{pod['metadata']['name']}"
    container = _server_container(pod["spec"])
    if container is None:
        yield Difference("behaviour", place, f"the pod has no container {SERVER_CONTAINER}", mend=mend)
        return
    # a group of pods has two templates; the nearest one is the pod's own
    own = min(templates, key=lambda each: len(_words(_server_container(each["spec"])) ^ _words(container)))
    template = _server_container(own["spec"]) or {}
    pairs = [
        ("the pod runs another image", template["image"], container["image"]),
        ("the pod serves another revision", _revision(own), _revision(pod)),
    ]
    mounts = _mounts(pod["spec"], container)
    for path, source in _mounts(own["spec"], template).items():
        pairs.append((f"{path} is mounted from another place", source, mounts.get(path)))
    for what, wanted, seen in pairs:
        if wanted != seen:
            yield Difference("behaviour", place, what, wanted, seen or "none", mend)
    expected, found = _command(template), _command(container)
    if expected != found:
        lacking = " ".join(word for word in expected if word not in found)
        extra = " ".join(word for word in found if word not in expected)
        what = "the server was started with other arguments"
        yield Difference("behaviour", place, what, lacking or "another order", extra or "another order", mend)
    variables, given = _variables(template), _variables(container)
    for name in sorted(variables.keys() | given.keys()):
        if variables.get(name) != given.get(name):
            what = f"the variable {name} differs"
            expected_value, found_value = variables.get(name, "unset"), given.get(name, "unset")
            yield Difference("behaviour", place, what, expected_value, found_value, mend)


def _pod_templates(item: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The templates of pods with a server's container."""
    found: list[Mapping[str, Any]] = []
    if item["kind"] == "Deployment":
        found = [item["spec"]["template"]]
    if item["kind"] == "LeaderWorkerSet":
        group = item["spec"]["leaderWorkerTemplate"]
        found = [group[key] for key in ("leaderTemplate", "workerTemplate") if key in group]
    yield from (template for template in found if _server_container(template["spec"]) is not None)


def _revision(pod: Mapping[str, Any]) -> str | None:
    """The model's revision of a pod or of its template."""
    found = (pod["metadata"].get("annotations") or {}).get(REVISION)
    return None if found is None else str(found)


def _mounts(spec: Mapping[str, Any], container: Mapping[str, Any]) -> dict[str, str]:
    """Path inside the container to where it comes from: a folder of the node, or a claim, and the folder in it."""
    volumes = {each["name"]: each for each in spec.get("volumes") or ()}
    found = {}
    for mount in container.get("volumeMounts") or ():
        volume = volumes.get(mount["name"], {})
        host, claim = volume.get("hostPath"), volume.get("persistentVolumeClaim")
        if host or claim:
            folder = f"/{mount['subPath']}" if mount.get("subPath") else ""
            source = host["path"] if host else f"claim {claim['claimName']}"
            found[str(mount["mountPath"])] = f"{source}{folder}"
    return found


def _server_container(spec: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return next((each for each in spec["containers"] if each["name"] == SERVER_CONTAINER), None)


def _command(container: Mapping[str, Any]) -> list[str]:
    return [*container.get("command", ()), *container.get("args", ())]


def _words(container: Mapping[str, Any] | None) -> frozenset[str]:
    return frozenset(_command(container or {}))


def _variables(container: Mapping[str, Any]) -> dict[str, str]:
    """Only those given as text: a value from a Secret is never read, nor shown."""
    return {each["name"]: str(each["value"]) for each in container.get("env", ()) if "value" in each}
