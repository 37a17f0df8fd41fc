"""What answered: a GPU, a node's processor, a miniature model on the CPU, the simulator, or nobody knows.

``derive_provenance`` is pure; ``fetch_provenance`` asks the server for what it needs. Everything that shows or judges a
figure carries the :class:`Provenance` made here, so that none is presented as another.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

from qwen_infra.client.errors import EndpointError
from qwen_infra.client.http import InferenceClient

__all__ = [
    "SIMULATED_NODE_VARIABLE",
    "ClusterFacts",
    "Provenance",
    "ServerFacts",
    "derive_provenance",
    "fetch_provenance",
    "fetch_server_facts",
]

SIMULATED_NODE_VARIABLE = "QWEN_INFRA_SIMULATED_NODE"
"""Set for what runs in a pod of a simulated node (``qwen_infra.local``), so that no result claims a GPU."""
Kind = Literal["gpu", "cpu", "cpu-miniature", "simulator", "unknown"]


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """What the caller knows about the nodes; None where it knows nothing.

    Args:
        gpu_product: the node's ``nvidia.com/gpu.product`` label, such as ``NVIDIA-GB200``.
        simulated_nodes: whether the nodes are simulated ones, which hold no GPU whatever their labels say.
    """

    gpu_product: str | None = None
    simulated_nodes: bool | None = None


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """The server's answers to ``/version`` and ``/v1/models``; None where it gave none.

    Args:
        version: the JSON of ``/version``.
        models: the JSON of ``/v1/models``.
    """

    version: Any = None
    models: Any = None

    def find_card(self, model: str) -> dict[str, Any] | None:
        """The entry of ``/v1/models`` for ``model``; None when it is not served."""
        listed = self.models.get("data") if isinstance(self.models, dict) else None
        for card in listed if isinstance(listed, list) else []:
            if isinstance(card, dict) and card.get("id") == model:
                return card
        return None

    def max_model_len(self, model: str) -> int | None:
        """Longest context that the server takes, in tokens; None when it does not say."""
        value = (self.find_card(model) or {}).get("max_model_len")
        return value if isinstance(value, int) and not isinstance(value, bool) else None


class Provenance(BaseModel):
    """What a result was made with.

    Args:
        kind: the class of thing that answered.
        simulated: true for the simulator and for a miniature on the CPU, which both only stand in for a deployment.
        hardware: the GPU product, ``cpu``, ``simulator`` or ``unknown``; SLOs name the one that they were set for.
        server_version: what ``/version`` says.
        served_model_root: the folder or repository behind the served name, from ``/v1/models``.
        max_model_len: the longest context in tokens, from ``/v1/models``.
        description: a few words for a heading.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    simulated: bool
    hardware: str
    server_version: str | None = None
    served_model_root: str | None = None
    max_model_len: int | None = None
    description: str

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.simulated != (self.kind in {"cpu-miniature", "simulator"}):
            msg = f"simulated={self.simulated} contradicts kind={self.kind}"
            raise ValueError(msg)
        return self


def derive_provenance(server: ServerFacts, *, model: str, cluster: ClusterFacts) -> Provenance:
    """What answered, from what the server and the cluster say; the humbler claim wins where they disagree."""
    version = server.version if isinstance(server.version, dict) else {}
    named = version.get("version")
    server_version = named if isinstance(named, str) and named else None
    kind = _classify(server_version, says_simulated=bool(version.get("simulated")), cluster=cluster)
    hardware = {"cpu": "cpu", "cpu-miniature": "cpu", "simulator": "simulator"}.get(
        kind, cluster.gpu_product or "unknown"
    )
    root = (server.find_card(model) or {}).get("root")
    return Provenance(
        kind=kind,
        simulated=kind in {"cpu-miniature", "simulator"},
        hardware=hardware if kind != "unknown" else "unknown",
        server_version=server_version,
        served_model_root=root if isinstance(root, str) else None,
        max_model_len=server.max_model_len(model),
        description=_describe(kind, server_version, hardware),
    )


async def fetch_server_facts(client: InferenceClient) -> ServerFacts:
    """Ask for ``/version`` and ``/v1/models``; whatever cannot be had is None."""
    version, models = await asyncio.gather(_try_json(client, "/version"), _try_json(client, "/v1/models"))
    return ServerFacts(version=version, models=models)


async def fetch_provenance(client: InferenceClient, *, cluster: ClusterFacts) -> Provenance:
    """Ask the server what it is, and derive the provenance of its answers."""
    return derive_provenance(await fetch_server_facts(client), model=client.endpoint.model, cluster=cluster)


async def _try_json(client: InferenceClient, path: str) -> Any:
    try:
        return (await client.get_json(path)).payload
    except EndpointError:
        return None


def _classify(server_version: str | None, *, says_simulated: bool, cluster: ClusterFacts) -> Kind:
    if says_simulated:
        return "simulator"
    if server_version is None:
        return "unknown"  # without it the simulator cannot be ruled out
    is_cpu_build = server_version.endswith("+cpu")
    if is_cpu_build and cluster.simulated_nodes is False and cluster.gpu_product is None:
        return "cpu"  # real nodes that have no GPU: what was deployed is what answers
    if cluster.simulated_nodes or is_cpu_build:
        return "cpu-miniature"
    return "gpu" if cluster.gpu_product else "unknown"


def _describe(kind: Kind, server_version: str | None, hardware: str) -> str:
    version = f"vLLM {server_version}" if server_version else "a server that does not say its version"
    return {
        "gpu": f"{version} on {hardware}",
        "cpu": f"{version} on the CPU",
        "cpu-miniature": f"{version} on the CPU with a miniature model",
        "simulator": "the simulator, which imitates vLLM's protocol and timing",
        "unknown": f"{version} on unknown hardware",
    }[kind]
