"""ConfigMaps and Secrets that a pod mounts become files, and change with the cluster."""

import base64
from pathlib import Path
from typing import Any

import pytest

from qwen_infra.local.agent.pods import MissingReferenceError, find_server_pod
from qwen_infra.local.agent.volumes import MountedVolumes

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
    volumes = MountedVolumes(folder)
    volumes.refresh(pod, api)
    return volumes


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


def test_a_missing_object_is_told(tmp_path: Path) -> None:
    api = Api("k1")
    api.objects.clear()
    with pytest.raises(MissingReferenceError, match='secret "keys" not found'):
        mount(tmp_path, api)
