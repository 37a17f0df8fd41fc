"""Where the weights of a deployment lie: folder, nodes, size of a claim, and the folder of its compiled kernels."""

import hashlib
import math
import re

from qwen_infra.catalog import Checkpoint
from qwen_infra.download import revision_folder_name
from qwen_infra.errors import ConfigurationError
from qwen_infra.planning.deployment_plan import CachePlan
from qwen_infra.settings import StackSettings

__all__ = ["plan_cache"]

GIB = 1 << 30
SLACK = 1.05
"""Tokenizer, configuration, headers, and what a file system keeps for itself."""
SPARE_GIB = 5
"""Compiled kernels: about 1 GiB for each image that was ever served."""
REVISIONS_BESIDE = 2
"""A new revision arrives beside the one that is being served."""


def plan_cache(
    settings: StackSettings, checkpoint: Checkpoint, mount_path: str, *, image: str, user: int | None = None
) -> CachePlan:
    """The cache that the settings ask for, for a server of ``image`` that runs as ``user`` (None: its own, root).

    Raises:
        ConfigurationError: nodes that contradict each other, a claim for one node and servers on several, compiled
            kernels where the server may not write, or a benchmark's Job without a tokenizer.
    """
    storage, server = settings.cache, settings.server
    if storage.nodes and server.node and server.node not in storage.nodes:
        raise ConfigurationError(
            "the server's node does not get the weights",
            where="qwen-infra:cache.nodes",
            found=", ".join(storage.nodes),
            expected=f"{server.node} among them (server.node)",
            mend=f"pulumi config set --path 'qwen-infra:cache.nodes[{len(storage.nodes)}]' {server.node}",
        )
    who = _who_needs_several_nodes(settings)
    if who and storage.kind == "pvc" and storage.access_mode == "ReadWriteOnce":
        raise ConfigurationError(
            f"{who} may run on several nodes, and a ReadWriteOnce claim serves one",
            where="qwen-infra:cache.accessMode",
            found=storage.access_mode,
            mend="pulumi config set --path 'qwen-infra:cache.accessMode' ReadWriteMany, or name one server.node",
        )
    if storage.kind == "hostPath" and storage.compiled_kernels == "volume" and user and not storage.download:
        raise ConfigurationError(
            f"the server runs as user {user}, and without a download nobody makes a folder that it may write",
            where="qwen-infra:cache.compiledKernels",
            found=storage.compiled_kernels,
            expected="pod, or cache.download true, or kind pvc, whose files are made the server's",
            mend="pulumi config set --path 'qwen-infra:cache.compiledKernels' pod",
        )
    if storage.kind == "none" and settings.benchmark.runner == "job":
        raise ConfigurationError(
            "the benchmark's Job reads the tokenizer from the cache, and with kind none each server pod has its own",
            where="qwen-infra:benchmark.runner",
            found=settings.benchmark.runner,
            expected="local, or a cache.kind that pods share",
            mend="pulumi config set --path 'qwen-infra:benchmark.runner' local",
        )
    base, revision = checkpoint.repository, settings.model.revision
    nodes = storage.nodes or ((server.node,) if server.node and storage.kind == "hostPath" else ())
    return CachePlan(
        repository=base,
        revision=revision,
        folder=f"{base}/{revision_folder_name(revision)}" if storage.download else base,
        mount_path=mount_path,
        storage=storage,
        nodes=nodes,
        claim_size=storage.size or _claim_size(checkpoint, storage.keep_revisions or REVISIONS_BESIDE),
        pod_size=_claim_size(checkpoint, 1),
        kernels_folder=_kernels_folder(settings, image),
        server_user=user,
    )


def _who_needs_several_nodes(settings: StackSettings) -> str | None:
    """The pods that may run at the same time on different nodes, in words; None where there is one pod, or one node."""
    server, scaling = settings.server, settings.endpoint.autoscaling
    if server.node:
        return None
    if server.nodes > 1:
        return f"the {server.nodes} pods of a replica"
    if server.replicas > 1:
        return f"{server.replicas} replicas"
    if scaling is not None and scaling.max_replicas > 1:
        return f"{scaling.max_replicas} replicas (endpoint.autoscaling)"
    return {
        "surge": "the old and the new pod of an update (server.rollout surge)",
        "blueGreen": "two generations (server.rollout blueGreen)",
    }.get(server.rollout)


def _claim_size(checkpoint: Checkpoint, revisions: int) -> str:
    return f"{math.ceil(checkpoint.bytes * revisions * SLACK / GIB) + SPARE_GIB}Gi"


def _kernels_folder(settings: StackSettings, image: str) -> str:
    """One folder for each image, GPU and degree: kernels of one are wrong, or useless, for another."""
    server = settings.server
    key = (image, server.gpu, server.tensor_parallel_size)
    digest = hashlib.sha256("\n".join(map(str, key)).encode()).hexdigest()[:8]
    name = re.sub(r"[^a-z0-9.]+", "-", f"{image.rpartition('/')[2].partition('@')[0]}-{server.gpu}".lower())
    return f".compiled-kernels/{name}-tp{server.tensor_parallel_size}-{digest}"
