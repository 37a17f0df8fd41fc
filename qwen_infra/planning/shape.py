"""How one replica lies on GPUs and nodes: tensor, pipeline and data parallel sizes, and the ranks of several nodes.

Rules: vLLM 0.32, ``engine/arg_utils.py`` (``--nnodes`` must divide the world size; workers are ``--headless``) and
``config/parallel.py`` (``nnodes_within_dp``).
"""

from dataclasses import dataclass

from qwen_infra.catalog import Gpu, Model
from qwen_infra.errors import ConfigurationError
from qwen_infra.settings import ServerSettings

__all__ = ["ShapePlan", "plan_shape"]


@dataclass(frozen=True)
class ShapePlan:
    """Nodes of one replica, and GPUs of each of them."""

    nodes: int
    gpus_per_node: int
    compute_domain: bool


def plan_shape(server: ServerSettings, model: Model, gpu: Gpu) -> ShapePlan:
    """The shape that the settings ask for.

    Raises:
        ConfigurationError: the GPUs do not go evenly over the nodes, or the model has no experts.
    """
    ranks = server.tensor_parallel_size * server.pipeline_parallel_size * server.data_parallel_size
    _check_experts(server, model)
    if ranks % server.nodes or (server.data_parallel_size > 1 and not _ranks_stay_whole(server)):
        raise _refuse(
            "nodes",
            f"{ranks} ranks (tensor {server.tensor_parallel_size} x pipeline {server.pipeline_parallel_size} x data "
            f"{server.data_parallel_size}) do not go evenly over {server.nodes} nodes",
            found=server.nodes,
            mend=_fewest_nodes(ranks, gpu),
        )
    per_node = ranks // server.nodes
    if server.nodes > 1 and server.node:
        raise _refuse("node", f"one node cannot hold a server of {server.nodes} nodes", found=server.node)
    return ShapePlan(server.nodes, per_node, _wants_compute_domain(server, gpu))


def _check_experts(server: ServerSettings, model: Model) -> None:
    if model.architecture.moe is not None:
        return
    if server.expert_parallel:
        raise _refuse("expertParallel", f"{model.name} is dense and has no experts", found="true")
    if server.data_parallel_size > 1:
        raise _refuse(
            "dataParallelSize",
            f"{model.name} is dense, so its copies share nothing: use replicas instead",
            found=server.data_parallel_size,
        )


def _ranks_stay_whole(server: ServerSettings) -> bool:
    """Each node holds whole data parallel ranks, or each rank whole nodes."""
    return server.data_parallel_size % server.nodes == 0 or server.nodes % server.data_parallel_size == 0


def _wants_compute_domain(server: ServerSettings, gpu: Gpu) -> bool:
    """Trays of an NVL72 rack share memory over NVLink only inside a ComputeDomain; other machines have none."""
    is_rack = gpu.name.startswith("GB")
    return server.nodes > 1 and (is_rack if server.compute_domain is None else server.compute_domain)


def _fewest_nodes(ranks: int, gpu: Gpu) -> int:
    return next(nodes for nodes in range(1, ranks + 1) if ranks % nodes == 0 and ranks // nodes <= gpu.gpus_per_node)


def _refuse(key: str, what: str, found: object, mend: int | None = None) -> ConfigurationError:
    path = f"qwen-infra:server.{key}"
    command = f"pulumi config set --path '{path}' {mend}" if mend else f"pulumi config rm --path '{path}'"
    return ConfigurationError(what, where=path, found=found, mend=command)
