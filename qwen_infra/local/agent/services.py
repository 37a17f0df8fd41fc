"""What a pod reaches under the address of a Service: the server of a ready pod behind it, on this machine's port."""

import re

from qwen_infra.local.agent.records import read_records
from qwen_infra.local.api import KubernetesApi
from qwen_infra.local.folders import StateFolder

__all__ = ["ServiceFinder"]

_ADDRESS = re.compile(
    r"http://(?P<name>[-a-z0-9]+)\.(?P<namespace>[-a-z0-9]+)\.svc(\.[-.a-z0-9]+)?(:\d+)?(?P<rest>/.*)?"
)
_NOBODY = 9
"""The port "discard" (RFC 863), on which nothing listens: as a Service without endpoints it refuses connections."""


class ServiceFinder:
    """Addresses of Services as addresses of this machine."""

    def __init__(self, api: KubernetesApi, folder: StateFolder) -> None:
        self._api = api
        self._folder = folder

    def localise(self, word: str) -> str:
        """``word``, where it is the URL of a Service with the port of a ready pod's server instead."""
        match = _ADDRESS.fullmatch(word)
        if match is None:
            return word
        port = self._find_port(match["namespace"], match["name"]) or _NOBODY
        return f"http://127.0.0.1:{port}{match['rest'] or ''}"

    def _find_port(self, namespace: str, name: str) -> int | None:
        service = self._api.read(f"/api/v1/namespaces/{namespace}/services/{name}")
        selector = (service or {}).get("spec", {}).get("selector") or {}
        if not selector:
            return None
        pods = self._api.list(f"/api/v1/namespaces/{namespace}/pods")
        behind = {
            pod["metadata"]["uid"] for pod in pods if selector.items() <= (pod["metadata"].get("labels") or {}).items()
        }
        records = read_records(self._folder.servers_folder)
        return next((each.port for each in records if each.uid in behind and each.state == "ready"), None)
