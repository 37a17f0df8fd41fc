"""From a download's command to the one that a simulated node runs: another Hub, another user, no proxies. Pure."""

import os
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from qwen_infra.local.translate import Launch

__all__ = ["translate_download"]

_REAL_HUB = "https://huggingface.co"
_PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY"})
_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
"""Only on this machine may a pod's own Hub be asked: the weights of the real one have hundreds of gigabytes."""
_OWNER_FLAG = "--kernels-owner"


def translate_download(words: Sequence[str], environment: Mapping[str, str], hub_endpoint: str) -> Launch:
    """The arguments and variables of the container, whose Hub is ``hub_endpoint`` unless it is on this machine."""
    asked = environment.get("HF_ENDPOINT", _REAL_HUB)
    endpoint = asked if urlsplit(asked).hostname in _LOOPBACK_NAMES else hub_endpoint
    instead = f" instead of {asked}" if endpoint != asked else ""
    notes = [f"simulated node: the Hub is a stand-in, {endpoint}{instead}"]
    dropped = sorted(_PROXIES & environment.keys())
    if dropped:
        notes.append(f"variables not passed on: {', '.join(dropped)}")
    arguments = list(words)
    if _OWNER_FLAG in arguments:
        place = arguments.index(_OWNER_FLAG) + 1
        notes.append(f"simulated node: this user plays user {arguments[place]}")
        arguments[place] = str(os.getuid())
    kept = {name: value for name, value in environment.items() if name not in _PROXIES}
    return Launch(tuple(arguments), {**kept, "HF_ENDPOINT": endpoint, "NO_PROXY": "*"}, tuple(notes))
