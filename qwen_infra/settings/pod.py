"""Keys of ``server`` about its pods: where they run, as whom, and what the scheduler knows of them."""

from typing import Literal

from pydantic import Field

from qwen_infra.settings.base import DnsLabel, Settings

__all__ = ["PodSettings", "TolerationSettings"]


class TolerationSettings(Settings):
    """A taint that the pods accept; that of the GPU's own resource is accepted anyway."""

    key: str = Field(min_length=1, description="Key of the taint.")
    value: str | None = Field(None, description="Its value; default: any.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        None, description="Its effect; default: any."
    )


class PodSettings(Settings):
    """Keys of ``server`` that shape its pods."""

    allow_moving_image: bool = Field(False, description="Whether an image may be named latest, nightly or not at all.")
    image_pull_secrets: tuple[DnsLabel, ...] = Field((), description="Secrets for a private registry.")
    run_as_user: int | None = Field(
        None, ge=0, description="User number of the server; default: 2000 in vLLM's CUDA image, else the image's own."
    )
    priority_class_name: str | None = Field(None, description="PriorityClass of the pods.")
    tolerations: tuple[TolerationSettings, ...] = Field((), description="More taints that the pods accept.")
