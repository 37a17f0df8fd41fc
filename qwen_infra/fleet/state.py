"""What a stack has deployed, from ``pulumi stack export``: any backend, no engine, no passphrase, no cluster.

Read from the resources rather than from the stack's outputs, since a deployment that failed half way has no new ones.
Source of the form: pulumi 3.259, ``sdk/go/common/apitype/core.go`` (``DeploymentV3``, ``ResourceV3``).
"""

import json
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qwen_infra.cluster.hardware import SERVER_CONTAINER
from qwen_infra.doctor.programs import ask
from qwen_infra.errors import EnvironmentMissingError

__all__ = ["DeployedCheck", "DeployedServer", "StackState", "export_stack", "read_state", "require_pulumi"]

TIMEOUT_S = 60.0
_UNKNOWN_STACK = re.compile(r"no stack named .* found")
_WORKLOADS = re.compile(r"kubernetes:(apps/v1:Deployment|leaderworkerset\.x-k8s\.io/v1:LeaderWorkerSet)")


@dataclass(frozen=True)
class DeployedCheck:
    """The last run of a verification or a benchmark; ``result`` is the name of its file, which tells the moment."""

    name: str
    passed: bool
    summary: str
    result: str | None = None
    simulated: bool = False


@dataclass(frozen=True)
class DeployedServer:
    """One server in the state.

    ``manifest``: the Deployment or LeaderWorkerSet that the endpoint leads to, empty where none was made; ``beside``:
    checks of another generation, which an update left when it failed (docs/rollout.md).
    """

    name: str
    plan: Mapping[str, Any]
    manifest: Mapping[str, Any]
    verification: DeployedCheck | None = None
    benchmark: DeployedCheck | None = None
    readiness: DeployedCheck | None = None
    weights: DeployedCheck | None = None
    beside: tuple[DeployedCheck, ...] = ()
    url: str = ""

    @property
    def image(self) -> str:
        """The image of the server's container; empty where no Deployment was made."""
        return next((str(each.get("image", "")) for each in _containers(self.manifest)), "")

    @property
    def namespace(self) -> str:
        return str((self.manifest.get("metadata") or {}).get("namespace", ""))

    @property
    def generation(self) -> str:
        """The label ``app`` of the pods that serve."""
        return _generation(self.manifest) or self.name

    @property
    def checks(self) -> tuple[DeployedCheck, ...]:
        """Those that have run, in the order in which they run, then those of another generation."""
        own = (self.weights, self.readiness, self.verification, self.benchmark)
        return (*(each for each in own if each is not None), *self.beside)


@dataclass(frozen=True)
class StackState:
    """A stack as Pulumi's state has it.

    Args:
        updated: when the state was last written (RFC 3339); empty where it never was.
        servers: by name.
        pending: operations that an interrupted update left behind, as ``creating NAME``.
        environment: the profile, empty where none is named.
        cluster: the identifier in the provider's inputs, empty where nothing was made.
    """

    stack: str
    updated: str = ""
    servers: tuple[DeployedServer, ...] = ()
    pending: tuple[str, ...] = ()
    environment: str = ""
    cluster: str = ""


def require_pulumi() -> None:
    """Say once that Pulumi is missing, instead of once a stack.

    Raises:
        EnvironmentMissingError: it is not on PATH.
    """
    if shutil.which("pulumi") is None:
        raise EnvironmentMissingError(
            "pulumi is not on PATH", expected="pulumi 3.259 or newer", mend="qwen-infra doctor tells how to get it"
        )


def export_stack(stack: str, folder: Path) -> Mapping[str, Any] | None:
    """The document of ``pulumi stack export``; ``None`` where the backend has no such stack.

    Raises:
        EnvironmentMissingError: Pulumi or its backend cannot be asked.
    """
    words = ("pulumi", "stack", "export", "--stack", stack, "--non-interactive")
    answer = ask(*words, environment={}, folder=folder, timeout_s=TIMEOUT_S)
    if answer.code is None:
        raise EnvironmentMissingError(
            f"Pulumi does not answer: {answer.complaint}", mend="qwen-infra doctor tells how to get it"
        )
    if answer.code != 0 and _UNKNOWN_STACK.search(answer.complaint):
        return None
    try:
        document = json.loads(answer.output) if answer.code == 0 else None
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise EnvironmentMissingError(
            "the state cannot be read",
            where=f"backend of {stack}",
            found=answer.complaint or f"exit code {answer.code}",
            mend=f"`{' '.join(words)}` must answer first: look at PULUMI_BACKEND_URL and its credentials",
        )
    return document


def read_state(stack: str, export: Mapping[str, Any]) -> StackState:
    """Servers, checks and what is unfinished, from the document of ``pulumi stack export``."""
    deployment = export.get("deployment") or {}
    resources = deployment.get("resources") or []
    servers = [each for each in resources if each["type"] == "qwen:infra:VllmServer"]
    providers = [each for each in resources if each["type"] == "pulumi:providers:kubernetes"]
    found = tuple(sorted((_server(each, resources) for each in servers), key=lambda each: each.name))
    return StackState(
        stack=stack,
        updated=str((deployment.get("manifest") or {}).get("time", "")) if resources else "",
        servers=found,
        pending=tuple(_list_pending(deployment.get("pending_operations") or (), {each["urn"] for each in resources})),
        environment=next((str(each.plan.get("environment", "")) for each in found), ""),
        cluster=next((str(_inputs(each).get("clusterIdentifier", "")) for each in providers), ""),
    )


def _server(resource: Mapping[str, Any], resources: list[Mapping[str, Any]]) -> DeployedServer:
    """The generation that serves; of another one, which an update left beside it, the checks."""
    name = _name(resource)
    mine = {_name(each): each for each in resources if _name(each).startswith(f"{name}-")}
    made = [_inputs(each) for each in resources if each.get("parent") == resource["urn"] and _is_workload(each)]
    workloads = {_generation(manifest): manifest for manifest in made}
    service = _inputs(mine.get(f"{name}-endpoint-service", {}))
    serving = ((service.get("spec") or {}).get("selector") or {}).get("app")
    serving = serving if serving in workloads else next(iter(workloads), name)
    slots = {generation: generation.removeprefix(name) for generation in workloads}
    slot = slots.pop(serving, "")
    endpoint = mine.get(f"{name}-endpoint", {})
    return DeployedServer(
        name=name,
        plan=_inputs(resource).get("plan") or {},
        manifest=workloads.get(serving, {}),
        verification=_find_check(mine, f"{name}-endpoint-verification{slot}"),
        benchmark=_find_check(mine, f"{name}-endpoint-benchmark{slot}"),
        readiness=_find_check(mine, f"{name}-readiness{slot}"),
        weights=_find_check(mine, f"{name}-cache-weights"),
        beside=tuple(
            check
            for other in slots.values()
            for part in ("readiness", "endpoint-verification", "endpoint-benchmark")
            if (check := _find_check(mine, f"{name}-{part}{other}")) is not None
        ),
        url=str(_outputs(endpoint).get("url", "")),
    )


def _generation(manifest: Mapping[str, Any]) -> str:
    """Name of the object that makes the pods, which is also their label ``app``."""
    return str((manifest.get("metadata") or {}).get("name", ""))


def _find_check(resources: Mapping[str, Mapping[str, Any]], name: str) -> DeployedCheck | None:
    """A check that has run; one that is only registered has no summary."""
    outputs = _outputs(resources.get(name, {}))
    if "summary" not in outputs:
        return None
    details = outputs.get("details") or {}
    result = details.get("result")
    return DeployedCheck(
        name=name,
        passed=outputs.get("passed") is True,
        summary=str(outputs["summary"]),
        result=result if isinstance(result, str) else None,
        simulated=details.get("simulated") is True,
    )


def _is_workload(resource: Mapping[str, Any]) -> bool:
    return _WORKLOADS.fullmatch(resource["type"]) is not None


def _name(resource: Mapping[str, Any]) -> str:
    return str(resource["urn"]).rpartition("::")[2]


def _inputs(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    return resource.get("inputs") or {}


def _outputs(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    return resource.get("outputs") or {}


def _list_pending(operations: Sequence[Mapping[str, Any]], known: Collection[str]) -> Iterator[str]:
    """Operations whose end nobody knows.

    The engine keeps an interrupted creation until somebody clears it, also when a later update has made the resource
    (pulumi 3.259, ``pkg/engine/snapshot.go``); that one has ended.
    """
    for operation in operations:
        resource, kind = operation.get("resource") or {"urn": "a resource"}, operation.get("type", "changing")
        if not (kind == "creating" and resource["urn"] in known):
            yield f"{kind} {_name(resource)}"


def _containers(manifest: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    spec = manifest.get("spec") or {}
    group = spec.get("leaderWorkerTemplate") or {}
    for template in (spec.get("template"), group.get("leaderTemplate"), group.get("workerTemplate")):
        for container in ((template or {}).get("spec") or {}).get("containers") or ():
            if container.get("name") == SERVER_CONTAINER:
                yield container
