"""ConfigMaps and Secrets that a pod mounts become files, and change with the cluster."""

import base64
from pathlib import Path
from typing import Any

import pytest

from qwen_infra.local.agent.pods import MissingReferenceError, MountFailedError, find_download_pod, find_server_pod
from qwen_infra.local.agent.volumes import MountedVolumes, NodeStorage

POD: dict[str, Any] = {
    "metadata": {"uid": "1", "namespace": "qwen", "name": "server-0"},
    "spec": {
        "containers": [
            {
                "name": "vllm",
                "command": ["vllm", "serve", "/model"],
                "volumeMounts": [
                    {"name": "keys", "mountPath": "/etc/keys"},
                    {"name": "code", "mountPath": "/opt/code"},
                ],
            }
        ],
        "volumes": [
            {"name": "keys", "secret": {"secretName": "keys"}},
            {"name": "code", "configMap": {"name": "code"}},
            {"name": "model", "hostPath": {"path": "/models"}},
        ],
    },
    "status": {"podIP": "10.0.0.1", "phase": "Running"},
}


class Api:
    """The two objects, as the API server would answer."""

    def __init__(self, key: str) -> None:
        self.objects: dict[str, Any] = {
            "/api/v1/namespaces/qwen/secrets/keys": {"data": {"api-key": base64.b64encode(key.encode()).decode()}},
            "/api/v1/namespaces/qwen/configmaps/code": {"data": {"guard.py": "print()"}},
        }

    def read(self, path: str) -> Any:
        return self.objects.get(path)


def mount(folder: Path, api: Any) -> MountedVolumes:
    pod = find_server_pod(POD)
    assert pod is not None
    volumes = MountedVolumes(folder, NodeStorage(folder / "storage"))
    volumes.refresh(pod, api)
    return volumes


def test_bytes_of_a_config_map_become_a_file_too(tmp_path: Path) -> None:
    api = Api("k1")
    api.objects["/api/v1/namespaces/qwen/configmaps/code"] = {"binaryData": {"verify.pyz": "UEsDBP8="}}
    mount(tmp_path, api)
    assert (tmp_path / "code/verify.pyz").read_bytes() == b"PK\x03\x04\xff"


def test_secrets_and_config_maps_become_files(tmp_path: Path) -> None:
    mount(tmp_path, Api("k1"))
    assert (tmp_path / "keys/api-key").read_text() == "k1"
    assert (tmp_path / "code/guard.py").read_text() == "print()"


def test_a_changed_secret_changes_the_file_and_a_removed_key_removes_it(tmp_path: Path) -> None:
    mount(tmp_path, Api("k1"))
    api = Api("k2")
    api.objects["/api/v1/namespaces/qwen/configmaps/code"] = {"data": {}}
    mount(tmp_path, api)
    assert (tmp_path / "keys/api-key").read_text() == "k2"
    assert list((tmp_path / "code").iterdir()) == []


def test_what_the_server_writes_beside_the_files_is_left_alone(tmp_path: Path) -> None:
    mount(tmp_path, Api("k1"))
    (tmp_path / "code/__pycache__").mkdir()
    mount(tmp_path, Api("k1"))
    assert (tmp_path / "code/__pycache__").is_dir()


def test_paths_in_the_environment_lead_to_the_files(tmp_path: Path) -> None:
    volumes = mount(tmp_path, Api("k1"))
    given = {"PYTHONPATH": "/opt/code", "KEY": "/etc/keys/api-key", "OTHER": "/etc/keysmith", "PLAIN": "1"}
    assert volumes.localise(given) == {
        "PYTHONPATH": str(tmp_path / "code"),
        "KEY": str(tmp_path / "keys/api-key"),
        "OTHER": "/etc/keysmith",
        "PLAIN": "1",
    }


REVISION = "/models/Qwen/Qwen3.5-4B/revision-main"


def mount_revision(folder: Path, *, kind: str = "Directory") -> MountedVolumes:
    """A server that reads one revision of its node's disk."""
    spec = {
        "nodeName": "node-0",
        "containers": [
            {
                "name": "vllm",
                "command": ["vllm", "serve", "/model"],
                "volumeMounts": [{"name": "model", "mountPath": "/model", "readOnly": kind == "Directory"}],
            }
        ],
        "volumes": [{"name": "model", "hostPath": {"path": REVISION, "type": kind}}],
    }
    pod = find_server_pod({**POD, "spec": spec})
    assert pod is not None
    volumes = MountedVolumes(folder / "pod", NodeStorage(folder))
    volumes.refresh(pod, Api("k1"))  # type: ignore[arg-type]
    return volumes


def test_a_folder_of_the_node_outlives_the_pod(tmp_path: Path) -> None:
    place = tmp_path / "nodes/node-0" / REVISION.lstrip("/")
    place.mkdir(parents=True)
    assert mount_revision(tmp_path).find("/model/config.json") == place / "config.json"


def test_a_folder_that_may_be_made_is_made(tmp_path: Path) -> None:
    found = mount_revision(tmp_path, kind="DirectoryOrCreate").find("/model")
    assert found is not None
    assert found.is_dir()


def test_weights_that_were_downloaded_to_another_place_are_missed_as_a_kubelet_does(tmp_path: Path) -> None:
    (tmp_path / "nodes/node-0/models/Qwen/Qwen3.5-4B/other/.qwen-infra").mkdir(parents=True)
    with pytest.raises(MountFailedError, match=f"hostPath type check failed: {REVISION} is not a directory"):
        mount_revision(tmp_path)


def test_weights_that_people_bring_by_hand_are_on_no_simulated_node(tmp_path: Path) -> None:
    assert mount_revision(tmp_path).find("/model") is None


def test_a_claim_is_shared_by_the_pods_of_its_namespace(tmp_path: Path) -> None:
    pod = find_download_pod(
        {
            **POD,
            "spec": {
                "nodeName": "node-0",
                "containers": [
                    {
                        "name": "download",
                        "command": ["python3", "/opt/download.py"],
                        "volumeMounts": [{"name": "storage", "mountPath": "/models"}],
                    }
                ],
                "volumes": [{"name": "storage", "persistentVolumeClaim": {"claimName": "weights"}}],
            },
        }
    )
    assert pod is not None
    volumes = MountedVolumes(tmp_path / "pod", NodeStorage(tmp_path))
    volumes.refresh(pod, Api("k1"))  # type: ignore[arg-type]
    assert volumes.localise_words(["--store", "/models"]) == ["--store", str(tmp_path / "claims/qwen/weights")]


def test_a_missing_object_is_told(tmp_path: Path) -> None:
    api = Api("k1")
    api.objects.clear()
    with pytest.raises(MissingReferenceError, match='secret "keys" not found'):
        mount(tmp_path, api)
