"""The pods for which the agent runs programs, as the API server has them: model servers and downloads.

Reading ConfigMaps and Secrets for their environment is here too; deciding what to do with a pod is the reconciler's.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from qwen_infra.local.api import KubernetesApi

__all__ = [
    "ContainerPod",
    "MissingReferenceError",
    "MountFailedError",
    "Probe",
    "ReferenceReader",
    "ServerPod",
    "expand",
    "find_download_pod",
    "find_server_pod",
    "find_verification_pod",
    "resolve_environment",
]

_VARIABLE = re.compile(r"\$\$|\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)")


class MissingReferenceError(Exception):
    """The pod names a Secret, ConfigMap or key that does not exist; the text is the kubelet's."""

    waiting_reason = "CreateContainerConfigError"
    event_reason = "Failed"


class MountFailedError(MissingReferenceError):
    """A folder of the node that must be there is not; the text is the kubelet's."""

    waiting_reason = "ContainerCreating"
    event_reason = "FailedMount"


@dataclass(frozen=True)
class Probe:
    """The parts of an HTTP probe that matter here; ``budget_s`` is how long it may fail before it counts."""

    path: str
    failure_threshold: int
    budget_s: float


@dataclass(frozen=True)
class ContainerPod:
    """A pod, and the one of its containers for which a program runs; ``raw`` is the whole object."""

    uid: str
    namespace: str
    name: str
    container: str
    command: tuple[str, ...]
    raw: Mapping[str, Any]

    @property
    def path(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods/{self.name}"

    @property
    def container_spec(self) -> Mapping[str, Any]:
        spec = self.raw["spec"]
        found: Mapping[str, Any] = next(
            container
            for container in (*spec["containers"], *spec.get("initContainers", ()))
            if container["name"] == self.container
        )
        return found


@dataclass(frozen=True)
class ServerPod(ContainerPod):
    """A pod whose container runs ``vllm serve``; ``download`` is the init container that brings its weights."""

    port: int
    readiness: Probe
    startup: Probe | None
    download: ContainerPod | None = None


def find_server_pod(pod: Mapping[str, Any]) -> ServerPod | None:
    """The pod if it serves a model and a node accepted it (kwok gave it an address); None otherwise."""
    if not _is_accepted(pod):
        return None
    for container in pod["spec"]["containers"]:
        command = _command(container)
        if command[:2] == ("vllm", "serve"):
            return _build(pod, container, command)
    return None


def find_download_pod(pod: Mapping[str, Any]) -> ContainerPod | None:
    """The pod if it runs the downloader as a Job's pod does, and a node accepted it; None otherwise."""
    return _find_download(pod, pod["spec"]["containers"]) if _is_accepted(pod) else None


def find_verification_pod(pod: Mapping[str, Any]) -> ContainerPod | None:
    """The pod if it runs the scheduled verification, and a node accepted it; None otherwise."""
    return _find_program(pod, pod["spec"]["containers"], "verify.pyz") if _is_accepted(pod) else None


def resolve_environment(pod: ContainerPod, api: KubernetesApi) -> dict[str, str]:
    """The container's environment with Secrets and ConfigMaps read, as a kubelet resolves it.

    Raises:
        MissingReferenceError: something that is not optional is missing.
    """
    reader = ReferenceReader(api, pod.namespace)
    resolved: dict[str, str] = {}
    for source in pod.container_spec.get("envFrom", ()):
        prefix = source.get("prefix", "")
        for kind in ("secret", "configMap"):
            if reference := source.get(f"{kind}Ref"):
                values = reader.read_all(kind, reference["name"], optional=reference.get("optional", False))
                resolved |= {f"{prefix}{key}": value for key, value in values.items()}
    for variable in pod.container_spec.get("env", ()):
        value = _resolve_variable(variable, pod, reader, resolved)
        if value is not None:
            resolved[variable["name"]] = value
    return resolved


def expand(text: str, environment: Mapping[str, str]) -> str:
    """``$(NAME)`` as Kubernetes expands it in commands: known names only, ``$$`` is a dollar sign."""
    return _VARIABLE.sub(
        lambda match: "$" if match[0] == "$$" else environment.get(match[1], match[0]),
        text,
    )


def _is_accepted(pod: Mapping[str, Any]) -> bool:
    status = pod.get("status", {})
    is_over = status.get("phase") in ("Succeeded", "Failed")
    return "deletionTimestamp" not in pod["metadata"] and bool(status.get("podIP")) and not is_over


def _find_download(pod: Mapping[str, Any], containers: Iterable[Mapping[str, Any]]) -> ContainerPod | None:
    return _find_program(pod, containers, "download.py")


def _find_program(pod: Mapping[str, Any], containers: Iterable[Mapping[str, Any]], name: str) -> ContainerPod | None:
    for container in containers:
        command = _command(container)
        if command[:1] == ("python3",) and command[1:2] and command[1].endswith(f"/{name}"):
            return ContainerPod(container=container["name"], command=command, raw=pod, **_identity(pod))
    return None


def _command(container: Mapping[str, Any]) -> tuple[str, ...]:
    return (*container.get("command", ()), *container.get("args", ()))


def _identity(pod: Mapping[str, Any]) -> dict[str, str]:
    return {key: pod["metadata"][key] for key in ("uid", "namespace", "name")}


def _build(pod: Mapping[str, Any], container: Mapping[str, Any], command: tuple[str, ...]) -> ServerPod:
    ports = container.get("ports", ())
    startup = container.get("startupProbe")
    return ServerPod(
        **_identity(pod),
        container=container["name"],
        command=command,
        port=ports[0]["containerPort"] if ports else 8000,  # vLLM's own default
        # without a probe a kubelet would call the pod ready at once; vLLM's /health is what one would write
        readiness=_build_probe(container.get("readinessProbe") or {}),
        startup=_build_probe(startup) if startup else None,
        download=_find_download(pod, pod["spec"].get("initContainers", ())),
        raw=pod,
    )


def _build_probe(probe: Mapping[str, Any]) -> Probe:
    """Defaults are Kubernetes' own: 3 failures, 10 s apart."""
    threshold = probe.get("failureThreshold", 3)
    return Probe(
        path=probe.get("httpGet", {}).get("path", "/health"),
        failure_threshold=threshold,
        budget_s=probe.get("initialDelaySeconds", 0) + threshold * probe.get("periodSeconds", 10),
    )


class ReferenceReader:
    """Secrets and ConfigMaps of one namespace, each read once."""

    def __init__(self, api: KubernetesApi, namespace: str) -> None:
        self._api = api
        self._namespace = namespace
        self._known: dict[tuple[str, str], dict[str, str] | None] = {}
        self._binary: dict[str, dict[str, bytes]] = {}

    def read_all(self, kind: str, name: str, *, optional: bool) -> dict[str, str]:
        values = self._read(kind, name)
        if values is None and not optional:
            msg = f'{kind.lower()} "{name}" not found'
            raise MissingReferenceError(msg)
        return values or {}

    def read_key(self, kind: str, reference: Mapping[str, Any]) -> str | None:
        optional = reference.get("optional", False)
        values = self.read_all(kind, reference["name"], optional=optional)
        if reference["key"] not in values and not optional:
            msg = f"couldn't find key {reference['key']} in {kind} {self._namespace}/{reference['name']}"
            raise MissingReferenceError(msg)
        return values.get(reference["key"])

    def read_files(self, kind: str, name: str, *, optional: bool) -> dict[str, bytes]:
        """What a volume holds: all values, those of a ConfigMap's ``binaryData`` too."""
        found = {key: value.encode("utf-8") for key, value in self.read_all(kind, name, optional=optional).items()}
        return found | self._binary.get(name, {}) if kind == "configMap" else found

    def _read(self, kind: str, name: str) -> dict[str, str] | None:
        if (kind, name) not in self._known:
            plural = "secrets" if kind == "secret" else "configmaps"
            found = self._api.read(f"/api/v1/namespaces/{self._namespace}/{plural}/{name}")
            self._known[kind, name] = None if found is None else _decode(kind, found.get("data") or {})
            if found and kind == "configMap":
                binary = found.get("binaryData") or {}
                self._binary[name] = {key: base64.b64decode(value) for key, value in binary.items()}
        return self._known[kind, name]


def _decode(kind: str, data: Mapping[str, str]) -> dict[str, str]:
    if kind == "configMap":
        return dict(data)
    return {key: base64.b64decode(value).decode("utf-8", errors="replace") for key, value in data.items()}


def _resolve_variable(
    variable: Mapping[str, Any], pod: ContainerPod, reader: ReferenceReader, known: Mapping[str, str]
) -> str | None:
    source = variable.get("valueFrom")
    if source is None:
        return expand(variable.get("value", ""), known)
    for kind in ("secret", "configMap"):
        if reference := source.get(f"{kind}KeyRef"):
            return reader.read_key(kind, reference)
    if field := source.get("fieldRef"):
        return _read_field(pod.raw, field["fieldPath"])
    return None


def _read_field(pod: Mapping[str, Any], path: str) -> str | None:
    value: Any = pod
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return None if value is None else str(value)
