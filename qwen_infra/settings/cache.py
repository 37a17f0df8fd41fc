"""The key ``cache``."""

from typing import Literal

from pydantic import Field, model_validator

from qwen_infra.settings.base import DnsLabel, SecretKeySettings, Settings

__all__ = ["CacheSettings"]


class CacheSettings(Settings):
    """Where the weights live."""

    kind: Literal["hostPath", "existingClaim"] = Field(
        "hostPath", description="hostPath: a folder on the node; existingClaim: a PersistentVolumeClaim that exists."
    )
    path: str = Field("/var/lib/qwen-infra/models", pattern=r"^/", description="Folder on the node (hostPath).")
    claim_name: DnsLabel | None = Field(None, description="Name of the claim (existingClaim).")
    download: bool = Field(True, description="Whether a Job downloads the weights; false: they are there already.")
    read_gigabytes_per_second: float | None = Field(
        None,
        gt=0,
        le=1000,
        description="Measured reading speed, for the start-up budget; default: 1 disk, 0.4 net.",
    )
    hub_endpoint: str | None = Field(None, pattern=r"^https?://", description="Mirror of the Hub; default: the Hub.")
    hub_token: SecretKeySettings | None = Field(None, description="Secret with the Hub token, for gated repositories.")
    timeout_minutes: int = Field(240, gt=0, le=2880, description="Longest time that the download may take.")

    @model_validator(mode="after")
    def _claim_is_named(self) -> "CacheSettings":
        if (self.kind == "existingClaim") != (self.claim_name is not None):
            raise ValueError("claimName goes with kind existingClaim, and only with it")
        return self
