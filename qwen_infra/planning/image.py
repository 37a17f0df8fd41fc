"""Which image runs, whether its name may move, and as which user."""

from qwen_infra.catalog import Gpu
from qwen_infra.errors import ConfigurationError
from qwen_infra.moving_tags import has_moving_tag
from qwen_infra.settings import ServerSettings

__all__ = ["choose_image", "choose_user", "warn_of_image"]

OWN_IMAGES = {"amd": "vllm/vllm-openai-rocm:v0.32.0", "any": "vllm/vllm-openai-cpu:v0.32.0"}
"""vLLM's image for a vendor that the default, CUDA's, does not serve; ``any``: for processors."""
VLLM_USER = 2000
"""``vllm`` in the CUDA image, with a home that it may write to (vllm-project/vllm #40275); not in the other two."""
_KEY = "qwen-infra:server.image"


def choose_image(server: ServerSettings, gpu: Gpu) -> str:
    """The image of the stack file, or vLLM's own for the GPU's vendor.

    Raises:
        ConfigurationError: a tag that somebody else moves, unless the stack file allows it.
    """
    if "image" not in server.model_fields_set and gpu.vendor in OWN_IMAGES:
        return OWN_IMAGES[gpu.vendor]
    if has_moving_tag(server.image) and not server.allow_moving_image:
        raise ConfigurationError(
            "this tag is moved by others, so that a restart may run another vLLM",
            where=_KEY,
            found=server.image,
            expected="a version, better a digest",
            mend=f"pulumi config set --path '{_KEY}' vllm/vllm-openai:v0.32.0, or set server.allowMovingImage",
        )
    return server.image


def warn_of_image(image: str) -> tuple[str, ...]:
    """What is to be said of an image that is named by a tag."""
    if "@sha256:" in image:
        return ()
    return (f"server.image {image} is a tag, which may name another image tomorrow: qwen-infra image pin {image}",)


def choose_user(server: ServerSettings, image: str) -> int | None:
    """The user number of the server; None leaves it to the image."""
    if server.run_as_user is not None:
        return server.run_as_user
    name = image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    return VLLM_USER if name == "vllm-openai" else None
