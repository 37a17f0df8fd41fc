"""What a plan expects of the server that it deployed, and what the cluster says about its pods; plain values.

Whoever runs the suite for a deployment fills it (``checks``); for a bare URL it stays empty and its cases are skipped.
"""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["NOTHING_KNOWN", "DeployedServer"]


@dataclass(frozen=True, slots=True)
class DeployedServer:
    """Expectation and observation; None, or empty, where nobody knows.

    Args:
        is_simulated: the nodes are simulated, so that whatever serves is not what the plan describes.
        version: vLLM's version by the plan's image tag, such as ``0.32.0``.
        model_root: what /v1/models is to show as root, the folder or repository that is served.
        max_model_len: longest context in tokens.
        takes_images: whether the vision tower is loaded.
        num_gpu_blocks: KV cache blocks that the plan predicted.
        image_digest: ``sha256:...`` of the plan's image.
        repository: on the Hub, whose weights the plan wants served.
        revision: branch, tag or commit of it.
        open_paths: what the gatekeeper lets through without a key; None where none stands before the server.
        running_image_digests: those of the running pods.
    """

    is_simulated: bool = False
    version: str | None = None
    model_root: str | None = None
    max_model_len: int | None = None
    takes_images: bool | None = None
    num_gpu_blocks: int | None = None
    image_digest: str | None = None
    repository: str | None = None
    revision: str | None = None
    open_paths: Sequence[str] | None = None
    running_image_digests: tuple[str, ...] = ()


NOTHING_KNOWN = DeployedServer()
"""Of a bare URL."""
