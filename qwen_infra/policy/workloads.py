"""Finding in a manifest what the rules are about: the pods that serve a model, their container and its arguments."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from qwen_infra.quantities import whole_number

__all__ = ["ServerPod", "find_pods", "find_server_pods", "place_of"]

ACCELERATORS = ("nvidia.com/gpu", "amd.com/gpu")
SHORT_FLAGS = {
    "--tensor-parallel-size": "-tp",
    "--pipeline-parallel-size": "-pp",
    "--data-parallel-size": "-dp",
}
"""Second spellings of vLLM's parser (0.32); beside them it takes ``_`` for ``-`` in every long flag."""


@dataclass(frozen=True)
class ServerPod:
    """A pod template whose container runs ``vllm serve``; ``pods_per_replica`` is above 1 over several nodes."""

    place: str
    replicas: int
    pods_per_replica: int
    labels: Mapping[str, Any]
    namespace: str
    spec: Mapping[str, Any]
    container: Mapping[str, Any]
    annotations: Mapping[str, Any]
    headless: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(str(word) for key in ("command", "args") for word in self.container.get(key) or ())

    def flag(self, name: str) -> str | None:
        """Value of ``--name VALUE`` or ``--name=VALUE`` in any spelling that vLLM takes; the last one counts."""
        found = None
        spellings = {name, SHORT_FLAGS.get(name, name)}
        for at, word in enumerate(self.words):
            flag, equals, value = word.partition("=")
            if flag.startswith("--"):
                flag = flag.replace("_", "-")
            if flag not in spellings:
                continue
            if equals:
                found = value
            elif at + 1 < len(self.words):
                found = self.words[at + 1]
        return found

    def number(self, name: str, default: int) -> int:
        found = self.flag(name)
        return int(found) if found is not None and found.isdigit() else default

    @property
    def environment(self) -> dict[str, Mapping[str, Any]]:
        """Environment variables by name."""
        return {str(item.get("name")): item for item in self.container.get("env") or () if isinstance(item, Mapping)}

    def resources(self, kind: str) -> Mapping[str, Any]:
        """``requests`` or ``limits`` of the container."""
        found = (self.container.get("resources") or {}).get(kind)
        return found if isinstance(found, Mapping) else {}

    @property
    def gpus(self) -> int:
        """GPUs of one pod, by its limits."""
        return sum(whole_number(self.resources("limits").get(name), 0) for name in ACCELERATORS)

    @property
    def model_path(self) -> str:
        """The argument of ``vllm serve``."""
        at = self.words.index("serve") + 1
        return self.words[at] if at < len(self.words) else ""


def place_of(manifest: Mapping[str, Any]) -> str:
    """``Deployment qwen/vllm-x``."""
    meta = manifest.get("metadata") or {}
    name = "/".join(str(meta[key]) for key in ("namespace", "name") if meta.get(key))
    return f"{manifest.get('kind')} {name}"


def find_pods(manifest: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each pod template of an object as (place, pod spec): of servers, downloads, benchmarks."""
    for _, template in _templates(manifest):
        spec = template.get("spec")
        if isinstance(spec, Mapping):
            yield place_of(manifest), spec


def find_server_pods(manifest: Mapping[str, Any]) -> Iterator[ServerPod]:
    """The pods of an object whose container runs ``vllm serve``."""
    for role, template in _templates(manifest):
        spec = template.get("spec") or {}
        for container in spec.get("containers") or ():
            pod = _read(manifest, template, container, role)
            if "vllm" in pod.words and "serve" in pod.words:
                yield pod


def _read(
    manifest: Mapping[str, Any], template: Mapping[str, Any], container: Mapping[str, Any], role: str
) -> ServerPod:
    outer, meta = manifest.get("metadata") or {}, template.get("metadata") or {}
    spec = manifest.get("spec") or {}
    size = (spec.get("leaderWorkerTemplate") or {}).get("size")
    return ServerPod(
        place=place_of(manifest),
        replicas=whole_number(spec.get("replicas"), 1),
        pods_per_replica=whole_number(size, 1),
        labels=meta.get("labels") or {},
        namespace=str(outer.get("namespace", "")),
        spec=template.get("spec") or {},
        container=container,
        annotations={**(outer.get("annotations") or {}), **(meta.get("annotations") or {})},
        headless=role == "worker",
    )


def _templates(manifest: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    spec = manifest.get("spec")
    if not isinstance(spec, Mapping):
        return
    kind = manifest.get("kind")
    if kind == "LeaderWorkerSet":
        group = spec.get("leaderWorkerTemplate") or {}
        for role in ("leader", "worker"):
            if isinstance(group.get(f"{role}Template"), Mapping):
                yield role, group[f"{role}Template"]
    elif kind == "CronJob":
        job = (spec.get("jobTemplate") or {}).get("spec") or {}
        yield "job", job.get("template") or {}
    elif kind == "Pod":
        yield "pod", manifest
    elif isinstance(spec.get("template"), Mapping):
        yield "pod", spec["template"]
