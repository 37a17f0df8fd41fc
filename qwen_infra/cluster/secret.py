"""The API key, read from its Kubernetes Secret when it is needed; never stored, never an input of a resource."""

import base64
import binascii

from qwen_infra.cluster.kubectl import Kubectl, KubectlError, ObjectNotFoundError

__all__ = ["read_secret_value"]


def read_secret_value(kubectl: Kubectl, namespace: str, name: str, key: str) -> str:
    """The text under ``key`` of the Secret.

    Raises:
        KubectlError: no such Secret, no such key in it, an empty or undecodable value; with the command that makes one.
    """
    place = f"Secret {namespace}/{name}"
    mend = f"kubectl --namespace {namespace} create secret generic {name} --from-literal={key}=$(openssl rand -hex 32)"
    try:
        data = kubectl.get("--namespace", namespace, "secret", name).get("data") or {}
    except ObjectNotFoundError:
        raise KubectlError("the Secret with the API key does not exist", where=place, mend=mend) from None
    if key not in data:
        found = ", ".join(sorted(data)) or "no key"
        raise KubectlError("the Secret has no such key", where=place, found=found, expected=key, mend=mend)
    try:
        value = base64.b64decode(data[key], validate=True).decode().strip()
    except (binascii.Error, UnicodeDecodeError):
        value = ""
    if not value:
        raise KubectlError(f"the value of {key} is empty or not text", where=place, mend=mend)
    return value
