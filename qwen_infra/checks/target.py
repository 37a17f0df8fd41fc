"""What a check examines: the server behind a Service, as plain JSON values, and the way to it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from qwen_infra.cluster import ClusterAccess, Kubectl
from qwen_infra.cluster.port_forward import forward
from qwen_infra.cluster.secret import read_secret_value

if TYPE_CHECKING:
    from qwen_infra.client import Endpoint

__all__ = ["CheckTarget"]


@dataclass(frozen=True)
class CheckTarget:
    """Names that lead to a server; never a credential: the API key is read from its Secret when a check runs."""

    namespace: str
    deployment: str
    service: str
    port: int
    served_model_name: str
    secret_name: str
    secret_key: str
    kubeconfig: str | None = None
    context: str | None = None
    url: str | None = None
    kind: str | None = None
    """What makes the pods, as kubectl names it; None: a Deployment."""

    @classmethod
    def parse(cls, inputs: Mapping[str, Any]) -> "CheckTarget":
        """From a resource's inputs, where every number is a float and what is unset may be missing."""
        values: dict[str, Any] = {key: inputs.get(key) for key in cls.__dataclass_fields__}
        return cls(**{**values, "port": int(inputs["port"])})

    def as_inputs(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if value is not None}

    @property
    def kubectl(self) -> Kubectl:
        return Kubectl(ClusterAccess(self.kubeconfig, self.context))

    @property
    def reached_by(self) -> Literal["port-forward", "direct"]:
        return "direct" if self.url else "port-forward"

    @contextmanager
    def open(self) -> Iterator["Endpoint"]:
        """The server's endpoint with its key; through a port-forward unless a URL is given.

        Raises:
            KubectlError: no Secret, no Service, no tunnel.
        """
        from qwen_infra.client import Endpoint

        key = read_secret_value(self.kubectl, self.namespace, self.secret_name, self.secret_key)
        if self.url:
            yield Endpoint(url=self.url, model=self.served_model_name, api_key=key)
            return
        with forward(self.kubectl, self.namespace, f"service/{self.service}", self.port) as url:
            yield Endpoint(url=url, model=self.served_model_name, api_key=key)
