"""The kubeconfig of a local cluster: self-contained, with a context name of its own.

kwokctl's own names its context ``kwok-NAME`` and points at files; ours can be copied and merged.
"""

import base64
from pathlib import Path

import yaml

__all__ = ["build_kubeconfig"]


def build_kubeconfig(context: str, port: int, pki_folder: Path) -> str:
    """The kubeconfig as YAML; ``context`` also names the cluster and the user in it."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "clusters": [
            {
                "name": context,
                "cluster": {
                    "server": f"https://127.0.0.1:{port}",
                    "certificate-authority-data": _encode(pki_folder / "ca.crt"),
                },
            }
        ],
        "users": [
            {
                "name": context,
                "user": {
                    "client-certificate-data": _encode(pki_folder / "admin.crt"),
                    "client-key-data": _encode(pki_folder / "admin.key"),
                },
            }
        ],
        "contexts": [{"name": context, "context": {"cluster": context, "user": context, "namespace": "default"}}],
    }
    return yaml.safe_dump(document, sort_keys=False)


def _encode(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii")
