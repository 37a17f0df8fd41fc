"""The key ``endpoint``."""

from pydantic import Field

from qwen_infra.settings.base import DnsLabel, SecretKeySettings, Settings

__all__ = ["ApiKeySecret", "EndpointSettings"]


class ApiKeySecret(SecretKeySettings):
    """An existing Secret with the API key."""

    key: str = Field("api-key", min_length=1, description="Key inside the Secret.")


class EndpointSettings(Settings):
    """How clients reach the server."""

    service_name: DnsLabel | None = Field(
        None, description="Name of the Service; default: the server's, with -service."
    )
    port: int = Field(8000, ge=1, le=65535, description="Port of the Service and of the server.")
    api_key: ApiKeySecret | None = Field(
        None, description="Existing Secret with the API key; default: a key is generated once and kept."
    )
    url: str | None = Field(
        None, pattern=r"^https?://", description="URL at which the checks reach it; default: a port-forward."
    )
