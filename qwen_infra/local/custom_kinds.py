"""The CustomResourceDefinitions of others, for a local cluster: the API server then judges such objects as a real one.

Only the definitions: nothing acts on the objects. They are data of their projects, with version and licence in
``custom_resources/sources.json`` (docs/adr/0051); ComputeDomain is a stand-in of ours, since NVIDIA's module is not on
the proxy.
"""

import gzip
import json
import time
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from qwen_infra.errors import EnvironmentMissingError
from qwen_infra.local.api import KubernetesApi
from qwen_infra.local.folders import StateFolder

__all__ = ["install_custom_kinds", "read_definitions"]

FOLDER = "custom_resources"
COLLECTION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
ESTABLISHED_TIMEOUT_S = 60


def read_definitions() -> dict[str, dict[str, Any]]:
    """Name to CustomResourceDefinition."""
    folder = files("qwen_infra.local").joinpath(FOLDER)
    sources = json.loads(folder.joinpath("sources.json").read_text("utf-8"))
    packed = [json.loads(gzip.decompress(folder.joinpath(item["file"]).read_bytes())) for item in sources]
    own = yaml.safe_load(folder.joinpath("computedomain.yaml").read_text("utf-8"))
    return {definition["metadata"]["name"]: definition for definition in [*packed, own]}


def install_custom_kinds(name: str, *, state_root: Path | None = None) -> tuple[str, ...]:
    """Install every definition that the cluster lacks, and wait until they are served; the names of all.

    Raises:
        EnvironmentMissingError: the cluster does not run, or does not serve them in time.
    """
    folder = StateFolder.of(name, state_root)
    record = folder.read_record()
    if record is None:
        raise EnvironmentMissingError(
            f"there is no local cluster {name!r}", where="--name", mend=f"qwen-infra local up --name {name}"
        )
    definitions = read_definitions()
    with KubernetesApi(record.api_port, folder.pki_folder, timeout_s=60) as api:
        for definition in definitions.values():
            api.create(COLLECTION, definition)
        _wait(api, definitions)
    return tuple(sorted(definitions))


def _wait(api: KubernetesApi, definitions: Mapping[str, Any]) -> None:
    deadline = time.monotonic() + ESTABLISHED_TIMEOUT_S
    while time.monotonic() < deadline:
        found = {item["metadata"]["name"]: item.get("status", {}) for item in api.list(COLLECTION)}
        if all(_is_established(found.get(name, {})) for name in definitions):
            return
        time.sleep(0.1)
    raise EnvironmentMissingError(
        f"the API server does not serve the new kinds after {ESTABLISHED_TIMEOUT_S} s",
        mend="qwen-infra local down, then qwen-infra local up",
    )


def _is_established(status: Mapping[str, Any]) -> bool:
    return any(item["type"] == "Established" and item["status"] == "True" for item in status.get("conditions") or ())
