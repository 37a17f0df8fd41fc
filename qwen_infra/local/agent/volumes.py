"""What a pod mounts, as folders of this machine: ConfigMaps and Secrets, kept as the cluster has them, and storage.

A kubelet puts them below the container's paths. Here they lie below the pod's folder, and storage that outlives the pod
below that of its node or claim; values and words that begin with a mount's path are made to point there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qwen_infra.local.agent.pods import ContainerPod, MountFailedError, ReferenceReader
from qwen_infra.local.api import KubernetesApi
from qwen_infra.local.folders import write_atomically

__all__ = ["MountedVolumes", "NodeStorage"]


@dataclass(frozen=True)
class NodeStorage:
    """Disks of the simulated nodes and the claims of the cluster, as folders below ``path``."""

    path: Path

    def find_root(self, pod: ContainerPod, volume: Mapping[str, Any]) -> Path | None:
        """The node's disk or the claim, which outlive the pod; None for other kinds."""
        if "hostPath" in volume:
            return self.path / "nodes" / str(pod.raw["spec"]["nodeName"])
        if claim := volume.get("persistentVolumeClaim"):
            return self.path / "claims" / pod.namespace / str(claim["claimName"])
        return None


class MountedVolumes:
    """The volumes of one container; those of the pod itself lie below ``folder``."""

    def __init__(self, folder: Path, storage: NodeStorage) -> None:
        self._folder = folder
        self._storage = storage
        self._paths: dict[str, Path] = {}

    def refresh(self, pod: ContainerPod, api: KubernetesApi) -> None:
        """Write what changed and remove what is gone.

        Raises:
            MissingReferenceError: a ConfigMap or Secret does not exist.
            MountFailedError: weights that were to be on the node are not.
        """
        reader = ReferenceReader(api, pod.namespace)
        volumes = {volume["name"]: volume for volume in pod.raw["spec"].get("volumes", ())}
        found: dict[str, Path] = {}
        for mount in pod.container_spec.get("volumeMounts", ()):
            path = self._mount(pod, reader, volumes.get(mount["name"], {}), mount)
            if path is not None:
                found[mount["mountPath"]] = path
        self._paths = found

    def localise(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The environment with the container's paths replaced by this machine's."""
        return {name: self._localise(value) for name, value in environment.items()}

    def localise_words(self, words: Iterable[str]) -> list[str]:
        """A command with the container's paths replaced by this machine's."""
        return [self._localise(word) for word in words]

    def find(self, path: str) -> Path | None:
        """Where a mounted path of the container lies; None when nothing is mounted there."""
        local = self._localise(path)
        return Path(local) if local != path else None

    def _localise(self, value: str) -> str:
        found = max((path for path in self._paths if value == path or value.startswith(f"{path}/")), default=None)
        return value if found is None else f"{self._paths[found]}{value.removeprefix(found)}"

    def _mount(
        self, pod: ContainerPod, reader: ReferenceReader, volume: Mapping[str, Any], mount: Mapping[str, Any]
    ) -> Path | None:
        values = _read(reader, volume)
        if values is not None:
            folder = self._folder / str(volume["name"])
            _write(folder, values)
            return folder
        if "emptyDir" in volume:
            return _make(self._folder / str(volume["name"]) / str(mount.get("subPath", "")))
        root = self._storage.find_root(pod, volume)
        return None if root is None else _mount_storage(root, volume, mount)


def _mount_storage(root: Path, volume: Mapping[str, Any], mount: Mapping[str, Any]) -> Path | None:
    """None: weights that people bring by hand are on no simulated node.

    What the downloader brings must be there: else a stack would download to one place and serve another.
    """
    host = volume.get("hostPath", {})
    path = root / str(host.get("path", "")).lstrip("/") / str(mount.get("subPath", ""))
    if path.is_dir():
        return path
    is_read = mount.get("readOnly", False) or host.get("type") == "Directory"
    if not is_read:
        return _make(path)
    if not any(path.parent.glob("*/.qwen-infra")):  # the downloader's own folder in each revision
        return None
    shown = host.get("path") or mount.get("subPath")
    message = f'MountVolume.SetUp failed for volume "{volume["name"]}" : hostPath type check failed: {shown} is not a '
    raise MountFailedError(f"{message}directory")


def _make(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _read(reader: ReferenceReader, volume: Mapping[str, Any]) -> dict[str, bytes] | None:
    if secret := volume.get("secret"):
        return reader.read_files("secret", secret["secretName"], optional=bool(secret.get("optional", False)))
    if config_map := volume.get("configMap"):
        return reader.read_files("configMap", config_map["name"], optional=bool(config_map.get("optional", False)))
    return None


def _write(folder: Path, values: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in folder.iterdir():
        if path.is_file() and path.name not in values:  # Python keeps its own folder beside a module
            path.unlink()
    for name, value in values.items():
        path = folder / name
        if not path.exists() or path.read_bytes() != value:
            write_atomically(path, value)
