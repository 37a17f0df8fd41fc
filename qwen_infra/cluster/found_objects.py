"""Objects looked up by kind and name, many at once: what exists, whose it is, and how to delete it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qwen_infra.cluster.kubectl import Kubectl

__all__ = ["FoundObject", "ObjectPlace", "begin_deletion", "find_objects", "list_objects"]

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
        return f"{self.whole_kind}/{self.name}"

    @property
    def whole_kind(self) -> str:
        """All objects of that kind, as kubectl takes it."""
        group, _, version = self.api_version.rpartition("/")
        return f"{self.kind}.{version}.{group}"

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
    """Those of the places where something is: one kubectl a namespace, which asks for each by its name.

    Raises:
        KubectlError: the cluster cannot be asked, or an object may not be read.
    """
    return _ask(kubectl, places, lambda asked: [place.reference for place in asked])


def list_objects(kubectl: Kubectl, places: Collection[ObjectPlace]) -> dict[ObjectPlace, FoundObject]:
    """The same by listing each kind whole: for many places, since kubectl asks for at most five names a second.

    Raises:
        KubectlError: the cluster cannot be asked, or a kind may not be listed.
    """
    return _ask(kubectl, places, lambda asked: [",".join(sorted({place.whole_kind for place in asked}))])


def _ask(
    kubectl: Kubectl, places: Collection[ObjectPlace], words: Callable[[list[ObjectPlace]], list[str]]
) -> dict[ObjectPlace, FoundObject]:
    found: dict[ObjectPlace, FoundObject] = {}
    for namespace in sorted({place.namespace for place in places}):
        asked = [place for place in places if place.namespace == namespace]
        by_name = {(place.kind, place.name): place for place in asked}
        document = kubectl.get(*asked[0].in_namespace, *words(asked), "--ignore-not-found", timeout_s=REQUEST_S)
        items = document["items"] if document.get("kind") == "List" else [document] if document else []
        named = {(item["kind"], item["metadata"]["name"]): item for item in items}
        found |= {by_name[name]: _describe(item) for name, item in named.items() if name in by_name}
    return found


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
