"""The key ``cache``."""

from typing import Literal

from pydantic import Field, model_validator

from qwen_infra.settings.base import DnsLabel, Quantity, SecretKeySettings, Settings

__all__ = ["CacheSettings", "CertificateSettings", "DownloadResources", "ProxySettings"]


class ProxySettings(Settings):
    """Proxies of the download; the server itself never reaches out."""

    http: str | None = Field(None, pattern=r"^https?://", description="Proxy for http:// addresses.")
    https: str | None = Field(None, pattern=r"^https?://", description="Proxy for https:// addresses.")
    except_for: str | None = Field(None, description="Hosts that are reached directly, comma-separated (NO_PROXY).")


class CertificateSettings(Settings):
    """Certificates that the download trusts, such as those of a company's proxy or mirror."""

    config_map_name: DnsLabel = Field(description="Name of the ConfigMap.")
    key: str = Field("ca.crt", min_length=1, description="Key inside the ConfigMap: certificates in PEM form.")


class DownloadResources(Settings):
    """CPU and memory of the download; it needs less than 400 MiB whatever the model's size (docs/model-cache.md)."""

    cpu_request: Quantity = Field("2", description="CPU that the scheduler reserves; hashing takes most of it.")
    memory_request: Quantity = Field("512Mi", description="Memory that the scheduler reserves.")
    memory_limit: Quantity = Field(
        "4Gi", description="Memory at which the container is killed; pages of files included."
    )


class CacheSettings(Settings):
    """Where the weights live, and how they get there."""

    kind: Literal["hostPath", "pvc", "existingClaim", "none"] = Field(
        "hostPath",
        description="hostPath: a folder on the nodes; pvc: a claim that the stack makes; existingClaim: a claim that "
        "exists; none: downloaded into each pod before it starts, for small models.",
    )
    path: str = Field("/var/lib/qwen-infra/models", pattern=r"^/", description="Folder on the nodes (hostPath).")
    nodes: tuple[str, ...] = Field(
        (), description="Host names of the nodes that get the weights, one Job each (hostPath); default: server.node."
    )
    claim_name: DnsLabel | None = Field(None, description="Name of the claim (existingClaim).")
    storage_class: DnsLabel | None = Field(None, description="Class of the claim (pvc); default: the cluster's own.")
    size: Quantity | None = Field(
        None, description="Size of the claim (pvc); default: the revisions kept of this checkpoint, and some slack."
    )
    access_mode: Literal["ReadWriteMany", "ReadWriteOnce"] = Field(
        "ReadWriteMany", description="Access mode of the claim (pvc); ReadWriteOnce serves one node."
    )
    download: bool = Field(True, description="Whether a Job downloads the weights; false: they are there already.")
    read_gigabytes_per_second: float | None = Field(
        None,
        gt=0,
        le=1000,
        description="Measured reading speed, for the start-up budget; default: 1 disk, 0.4 net.",
    )
    hub_endpoint: str | None = Field(None, pattern=r"^https?://", description="Mirror of the Hub; default: the Hub.")
    hub_token: SecretKeySettings | None = Field(
        None, description="Secret with the Hub token, for gated repositories; only the download sees it."
    )
    proxy: ProxySettings = Field(default_factory=lambda: ProxySettings(), description="Proxies of the download.")
    certificates: CertificateSettings | None = Field(None, description="ConfigMap with certificates to trust.")
    allow_patterns: tuple[str, ...] = Field((), description="Only these files, such as *.safetensors; default: all.")
    ignore_patterns: tuple[str, ...] = Field((), description="Not these files, such as original/.")
    keep_revisions: int | None = Field(
        None,
        ge=2,
        description="Complete revisions that stay on disk, older ones are removed; default: none is ever removed.",
    )
    files_at_once: int = Field(8, ge=1, le=64, description="Files that are fetched at the same time.")
    stall_seconds: int = Field(120, ge=5, le=3600, description="Silence after which a connection is dropped.")
    timeout_minutes: int = Field(240, gt=0, le=2880, description="Longest time that the download may take.")
    resources: DownloadResources = Field(
        default_factory=lambda: DownloadResources(), description="CPU and memory of the download."
    )
    compiled_kernels: Literal["auto", "volume", "pod", "off"] = Field(
        "auto",
        description="Where compiled kernels are kept, so that a restart does not compile again: volume: beside the "
        "weights; pod: as long as the pod lives; auto: volume for pvc, and for hostPath "
        "where the download can make the folder, else pod; off: nowhere.",
    )

    @model_validator(mode="after")
    def _keys_go_with_the_kind(self) -> "CacheSettings":
        if (self.kind == "existingClaim") != (self.claim_name is not None):
            raise ValueError("claimName goes with kind existingClaim, and only with it")
        if self.kind != "pvc" and (self.storage_class or self.size):
            raise ValueError("storageClass and size go with kind pvc only")
        if self.kind != "hostPath" and self.nodes:
            raise ValueError("nodes go with kind hostPath only")
        if self.kind == "none" and not self.download:
            raise ValueError("kind none has no weights but those that it downloads, so download cannot be false")
        if self.kind == "none" and self.compiled_kernels == "volume":
            raise ValueError("kind none has no volume on which compiled kernels could be kept")
        return self
