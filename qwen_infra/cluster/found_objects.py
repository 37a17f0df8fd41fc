"""Objects looked up by kind and name, many in one request: what exists, whose it is, and how to delete it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qwen_infra.cluster.kubectl import Kubectl

__all__ = ["FoundObject", "ObjectPlace", "begin_deletion", "find_objects"]

REQUEST_S = 60.0


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
    finalizers: Sequence[str] = ()
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
    document = kubectl.get(*where, *references, "--ignore-not-found", timeout_s=REQUEST_S)
    items = document["items"] if document.get("kind") == "List" else [document] if document else []
    return {by_name[item["kind"], item["metadata"]["name"]]: _describe(item) for item in items}


def _describe(item: Mapping[str, Any]) -> FoundObject:
    meta = item["metadata"]
    return FoundObject(
        labels=meta.get("labels", {}),
        annotations=meta.get("annotations", {}),
        is_being_deleted="deletionTimestamp" in meta,
        finalizers=tuple(meta.get("finalizers", ())),
        spec=item.get("spec", {}),
    )


def begin_deletion(kubectl: Kubectl, place: ObjectPlace) -> None:
    """Ask for the deletion of an object and of what it owns; nothing where it is gone already.

    Raises:
        KubectlError: it may not be deleted, or the cluster cannot be asked.
    """
    arguments = ("delete", *place.in_namespace, place.reference, "--ignore-not-found", "--cascade=foreground")
    kubectl.run(*arguments, "--wait=false", timeout_s=REQUEST_S)
