"""Objects looked up by kind and name, many in one request: what exists, whose it is, and waiting until it is gone."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from qwen_infra.cluster.kubectl import Kubectl

__all__ = ["FoundObject", "ObjectPlace", "delete_object", "find_objects", "wait_until_gone"]

REQUEST_S = 60.0
GONE_S = 180.0
"""For an object that is being deleted: a pod's grace period, or a claim that its pods let go of."""


@dataclass(frozen=True)
class ObjectPlace:
    """Where an object is, or would be; ``namespace`` is empty for what has none."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> "ObjectPlace":
        meta = manifest["metadata"]
        return cls(manifest["apiVersion"], manifest["kind"], meta["name"], meta.get("namespace", ""))

    @property
    def reference(self) -> str:
        """As kubectl takes it, whatever else is called by that kind: ``Deployment.v1.apps/x``, ``Service.v1./x``."""
        group, _, version = self.api_version.rpartition("/")
        return f"{self.kind}.{version}.{group}/{self.name}"

    @property
    def in_namespace(self) -> tuple[str, ...]:
        return ("--namespace", self.namespace) if self.namespace else ()

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True)
class FoundObject:
    """What a live object says of itself."""

    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    is_being_deleted: bool = False
    spec: Mapping[str, Any] = field(default_factory=dict)


def find_objects(kubectl: Kubectl, places: Collection[ObjectPlace]) -> dict[ObjectPlace, FoundObject]:
    """Those of the places where something is: one request a namespace, however many they are.

    Raises:
        KubectlError: the cluster cannot be asked, or an object may not be read.
    """
    found: dict[ObjectPlace, FoundObject] = {}
    for namespace in sorted({place.namespace for place in places}):
        asked = [place for place in places if place.namespace == namespace]
        found |= _find_in_namespace(kubectl, asked)
    return found


def _find_in_namespace(kubectl: Kubectl, asked: Collection[ObjectPlace]) -> dict[ObjectPlace, FoundObject]:
    by_name = {(place.kind, place.name): place for place in asked}
    references = [place.reference for place in by_name.values()]
    where = next(iter(asked)).in_namespace
    answer = kubectl.run("get", *where, *references, "--ignore-not-found", "--output=json", timeout_s=REQUEST_S)
    if not answer.strip():
        return {}
    document = json.loads(answer)
    items = document["items"] if document["kind"] == "List" else [document]
    return {by_name[item["kind"], item["metadata"]["name"]]: _describe(item) for item in items}


def _describe(item: Mapping[str, Any]) -> FoundObject:
    meta = item["metadata"]
    return FoundObject(
        labels=meta.get("labels", {}),
        annotations=meta.get("annotations", {}),
        is_being_deleted="deletionTimestamp" in meta,
        spec=item.get("spec", {}),
    )


def wait_until_gone(kubectl: Kubectl, place: ObjectPlace) -> None:
    """Wait for an object that is being deleted already.

    Raises:
        KubectlError: it is still there after three minutes.
    """
    arguments = ("wait", *place.in_namespace, place.reference, "--for=delete", f"--timeout={GONE_S:.0f}s")
    kubectl.run(*arguments, timeout_s=GONE_S)


def delete_object(kubectl: Kubectl, place: ObjectPlace) -> None:
    """Delete an object and what it owns, and wait until it is gone.

    Raises:
        KubectlError: it may not be deleted, or is still there after three minutes.
    """
    arguments = ("delete", *place.in_namespace, place.reference, "--ignore-not-found", "--cascade=foreground")
    kubectl.run(*arguments, timeout_s=GONE_S)
