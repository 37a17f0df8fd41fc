"""The key ``cluster``."""

from pydantic import Field

from qwen_infra.settings.base import DnsLabel, Settings

__all__ = ["ClusterSettings"]


class ClusterSettings(Settings):
    """Which cluster, and where in it."""

    identifier: DnsLabel = Field(description="Name of the cluster for this stack; another name means other hardware.")
    kubeconfig: str | None = Field(None, description="Path of a kubeconfig; default: $KUBECONFIG, then ~/.kube/config.")
    context: str | None = Field(None, description="Context in the kubeconfig; default: its current context.")
    namespace: DnsLabel = Field("qwen", description="Namespace of everything that the stack creates.")
    create_namespace: bool = Field(True, description="Whether the stack creates, and owns, the namespace.")
    adopt: bool = Field(
        False,
        description="Take over what the cluster holds of this stack and its state does not: after a lost state.",
    )
