"""Writes qwen_infra/local/custom_resources/: the CustomResourceDefinitions of others, from their Go modules.

    python tools/custom-resources/vendor.py

Needs Go (any version) and the module proxy. Descriptions are left out, since they are nine tenths of the size and
decide nothing; everything else is as published. Run it again after raising a version below, and commit what changed.
"""

import gzip
import hashlib
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import yaml

TARGET = Path(__file__).parents[2] / "qwen_infra/local/custom_resources"
MONITORING = "example/prometheus-operator-crd/monitoring.coreos.com"
SOURCES = (
    ("sigs.k8s.io/gateway-api", "v1.4.0", "config/crd/standard/gateway.networking.k8s.io_gateways.yaml"),
    ("sigs.k8s.io/gateway-api", "v1.4.0", "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"),
    (
        "sigs.k8s.io/gateway-api-inference-extension",
        "v1.3.0",
        "config/crd/bases/inference.networking.k8s.io_inferencepools.yaml",
    ),
    ("sigs.k8s.io/lws", "v0.8.0", "config/crd/bases/leaderworkerset.x-k8s.io_leaderworkersets.yaml"),
    ("github.com/kedacore/keda/v2", "v2.18.0", "config/crd/bases/keda.sh_scaledobjects.yaml"),
    ("github.com/prometheus-operator/prometheus-operator", "v0.85.0", f"{MONITORING}_servicemonitors.yaml"),
    ("github.com/prometheus-operator/prometheus-operator", "v0.85.0", f"{MONITORING}_podmonitors.yaml"),
)


def main() -> None:
    TARGET.mkdir(exist_ok=True)
    for old in TARGET.glob("*.json*"):  # computedomain.yaml is ours
        old.unlink()
    rows = [vendor(*source) for source in SOURCES]
    (TARGET / "sources.json").write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


def vendor(module: str, version: str, path: str) -> dict[str, str]:
    folder = download(module, version)
    text = (folder / path).read_bytes()
    definition = without_descriptions(yaml.safe_load(text))
    name = f"{definition['spec']['names']['kind'].lower()}.json.gz"
    packed = json.dumps(definition, separators=(",", ":"), sort_keys=True).encode()
    (TARGET / name).write_bytes(gzip.compress(packed, mtime=0))
    licence = (folder / "LICENSE").read_text("utf-8").strip().splitlines()[0].strip()
    return {
        "file": name,
        "name": definition["metadata"]["name"],
        "module": module,
        "version": version,
        "path": path,
        "sha256": hashlib.sha256(text).hexdigest(),
        "licence": "Apache-2.0" if licence == "Apache License" else licence,
    }


def download(module: str, version: str) -> Path:
    """The module's folder in Go's cache, by Go itself, which checks it against the checksum database."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["go", "mod", "download", "-json", f"{module}@{version}"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return Path(json.loads(done.stdout)["Dir"])


def without_descriptions(value: Any, *, names_properties: bool = False) -> Any:
    """A property may be called "description"; only the schema's own texts go."""
    if isinstance(value, dict):
        return {
            key: without_descriptions(item, names_properties=key == "properties")
            for key, item in value.items()
            if names_properties or not (key == "description" and isinstance(item, str))
        }
    if isinstance(value, list):
        return [without_descriptions(item) for item in value]
    return value


if __name__ == "__main__":
    main()
