"""What a stack needs of the cluster that it does not bring itself, read from its rendered manifests. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Need", "custom_kinds", "referenced_objects", "storage_classes"]


@dataclass(frozen=True, order=True)
class Need:
    """An object that must exist: its kind (``secret``), its name, and the key inside it where one is named."""

    kind: str
    name: str
    key: str | None = None


def custom_kinds(objects: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """(apiVersion, kind) of every object whose group is no core one, so that it may need a CRD; sorted."""
    kinds = {(item["apiVersion"], item["kind"]) for item in objects}
    return sorted(pair for pair in kinds if "." in pair[0].partition("/")[0])


def storage_classes(objects: Iterable[Mapping[str, Any]]) -> list[str | None]:
    """Storage classes of the claims; ``None`` is the cluster's default."""
    claims = [item["spec"] for item in objects if item["kind"] == "PersistentVolumeClaim"]
    names = {spec.get("storageClassName") for spec in claims if spec.get("storageClassName") != ""}
    return sorted(names, key=lambda name: name or "")


def referenced_objects(objects: Iterable[Mapping[str, Any]]) -> list[Need]:
    """Secrets, ConfigMaps and claims that pods use and the stack does not make."""
    found = list(objects)
    made = {(item["kind"], item["metadata"]["name"]) for item in found}
    kinds = {"Secret": "secret", "ConfigMap": "configmap", "PersistentVolumeClaim": "persistentvolumeclaim"}
    wanted = {(kind, name, key) for item in found for kind, name, key in _references(item)}
    return sorted(
        (Need(kinds[kind], name, key) for kind, name, key in wanted if (kind, name) not in made),
        key=lambda need: (need.kind, need.name, need.key or ""),
    )


def _references(value: Any) -> Iterator[tuple[str, str, str | None]]:
    """Every mandatory reference below ``value``, by Kubernetes' own names of the fields."""
    if isinstance(value, list):
        for item in value:
            yield from _references(item)
    if not isinstance(value, dict):
        return
    for field, item in value.items():
        if isinstance(item, dict) and not item.get("optional"):
            yield from _reference(field, item)
        if field == "imagePullSecrets":
            yield from (("Secret", entry["name"], None) for entry in item)
        yield from _references(item)


def _reference(field: str, item: Mapping[str, Any]) -> Iterator[tuple[str, str, str | None]]:
    if field == "secretKeyRef":
        yield "Secret", item["name"], item["key"]
    elif field == "configMapKeyRef":
        yield "ConfigMap", item["name"], item["key"]
    elif field == "secretRef" and "name" in item:
        yield "Secret", item["name"], None
    elif field == "secret" and "secretName" in item:
        yield "Secret", item["secretName"], None
    elif field == "configMap" and "name" in item:
        yield "ConfigMap", item["name"], None
    elif field == "persistentVolumeClaim" and "claimName" in item:
        yield "PersistentVolumeClaim", item["claimName"], None
