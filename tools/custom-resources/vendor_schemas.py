"""Writes tests/unit/manifests/kubernetes_schemas.json.gz: Kubernetes' own definitions of the kinds that we write.

    python tools/custom-resources/vendor_schemas.py

Needs Go and the module proxy; the version is that of tools/kubernetes. Descriptions are left out.
"""

import gzip
import json
import re
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "tests/unit/manifests/kubernetes_schemas.json.gz"
DOCUMENTS = ("api__v1", "apis__apps__v1", "apis__batch__v1", "apis__networking.k8s.io__v1", "apis__policy__v1",
             "apis__autoscaling__v2", "apis__rbac.authorization.k8s.io__v1")  # fmt: skip
KINDS = {
    *("Namespace", "ConfigMap", "Secret", "Service", "PersistentVolumeClaim", "ServiceAccount", "Pod"),
    *("Deployment", "Job", "CronJob", "NetworkPolicy", "Ingress", "PodDisruptionBudget", "HorizontalPodAutoscaler"),
    *("Role", "RoleBinding"),
}
REFERENCE = "#/components/schemas/"


def main() -> None:
    version = re.search(r"k8s\.io/kubernetes (v\S+)", (ROOT / "tools/kubernetes/go.mod").read_text("utf-8"))
    assert version is not None
    answer = subprocess.run(
        ["go", "mod", "download", "-json", f"k8s.io/kubernetes@{version[1]}"], capture_output=True, check=True
    )
    folder = Path(json.loads(answer.stdout)["Dir"]) / "api/openapi-spec/v3"
    schemas: dict[str, Any] = {}
    for name in DOCUMENTS:
        schemas |= json.loads((folder / f"{name}_openapi.json").read_text("utf-8"))["components"]["schemas"]
    roots = {
        f"{kind['group']}/{kind['version']}/{kind['kind']}".lstrip("/"): name
        for name, schema in schemas.items()
        for kind in schema.get("x-kubernetes-group-version-kind", ())
        if kind["kind"] in KINDS and schema.get("properties", {}).get("metadata")
    }
    kept: dict[str, Any] = {}
    for name in roots.values():
        keep(name, schemas, kept)
    found = {"version": version[1], "kinds": roots, "schemas": kept}
    packed = json.dumps(found, separators=(",", ":"), sort_keys=True).encode()
    TARGET.write_bytes(gzip.compress(packed, mtime=0))


def keep(name: str, schemas: dict[str, Any], kept: dict[str, Any]) -> None:
    """One definition, without descriptions, and all that it refers to."""
    if name in kept:
        return
    kept[name] = bare(schemas[name])
    for other in re.findall(rf'"{REFERENCE}([^"]+)"', json.dumps(kept[name])):
        keep(other, schemas, kept)


def bare(value: Any, *, names: bool = False) -> Any:
    """``names``: whether the keys are names of properties, among which ``description`` is none of ours."""
    if isinstance(value, dict):
        dropped = set() if names else {"description", "x-kubernetes-group-version-kind", "default"}
        return {key: bare(item, names=key == "properties") for key, item in value.items() if key not in dropped}
    return [bare(item) for item in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main()
