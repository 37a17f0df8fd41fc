"""ConfigMaps and Secrets that a pod mounts, as files of this machine, kept as the cluster has them.

A kubelet puts them below the container's paths and renews them; here they lie below the pod's folder, and the
environment's values that begin with such a path are made to point there.
"""

from collections.abc import Mapping
from pathlib import Path

from qwen_infra.local.agent.pods import ReferenceReader, ServerPod
from qwen_infra.local.api import KubernetesApi
from qwen_infra.local.folders import write_atomically

__all__ = ["MountedVolumes"]


class MountedVolumes:
    """The mounted ConfigMaps and Secrets of one pod, below ``folder``; other kinds of volumes are not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._paths: dict[str, Path] = {}

    def refresh(self, pod: ServerPod, api: KubernetesApi) -> None:
        """Write what changed and remove what is gone.

        Raises:
            MissingReferenceError: a ConfigMap or Secret does not exist.
        """
        reader = ReferenceReader(api, pod.namespace)
        mounts = {mount["name"]: mount["mountPath"] for mount in pod.container_spec.get("volumeMounts", ())}
        for volume in pod.raw["spec"].get("volumes", ()):
            values = _read(reader, volume)
            if values is not None and volume["name"] in mounts:
                folder = self._folder / volume["name"]
                _write(folder, values)
                self._paths[mounts[volume["name"]]] = folder

    def localise(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The environment with the container's paths replaced by this machine's."""
        return {name: self._localise(value) for name, value in environment.items()}

    def _localise(self, value: str) -> str:
        found = next((path for path in self._paths if value == path or value.startswith(f"{path}/")), None)
        return value if found is None else f"{self._paths[found]}{value.removeprefix(found)}"


def _read(reader: ReferenceReader, volume: Mapping[str, Mapping[str, str]]) -> dict[str, str] | None:
    if secret := volume.get("secret"):
        return reader.read_all("secret", secret["secretName"], optional=bool(secret.get("optional", False)))
    if config_map := volume.get("configMap"):
        return reader.read_all("configMap", config_map["name"], optional=bool(config_map.get("optional", False)))
    return None


def _write(folder: Path, values: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in folder.iterdir():
        if path.is_file() and path.name not in values:  # Python keeps its own folder beside a module
            path.unlink()
    for name, value in values.items():
        path = folder / name
        if not path.exists() or path.read_text("utf-8") != value:
            write_atomically(path, value)
