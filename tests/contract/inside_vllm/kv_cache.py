"""vLLM's own answer to: how large is a block, how many are there, how many requests do they carry?

What decides it in the server is called here in the server's order: ``update_block_size_for_backend`` with the
attention backend of CUDA or of the processor, the layers' own ``get_kv_cache_spec``, ``get_kv_cache_configs``,
``get_max_concurrency_for_kv_cache_config``. Only the layers are stand-ins that carry shapes and no weights.
"""

import copy
import importlib
import json
import sys
import tempfile
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

from vllm.config import CacheConfig, CompilationConfig, ModelConfig, VllmConfig
from vllm.distributed.utils import get_pp_indices
from vllm.engine.arg_utils import EngineArgs
from vllm.model_executor.layers.attention.attention import Attention
from vllm.model_executor.layers.attention_layer_base import AttentionLayerBase
from vllm.model_executor.layers.mamba.abstract import MambaBase
from vllm.model_executor.models import ModelRegistry
from vllm.model_executor.models.config import MODELS_CONFIG_MAP, HybridAttentionMambaModelConfig
from vllm.platforms.cpu import CpuPlatform
from vllm.platforms.interface import Platform
from vllm.utils.torch_utils import STR_DTYPE_TO_TORCH_DTYPE
from vllm.v1.attention.backend import AttentionType
from vllm.v1.attention.backends.cpu_attn import CPUAttentionBackend
from vllm.v1.attention.backends.flash_attn import FlashAttentionBackend
from vllm.v1.core.kv_cache_utils import (
    _pool_bytes_per_block,
    get_kv_cache_configs,
    get_max_concurrency_for_kv_cache_config,
)

from tests.contract.inside_vllm.exchange import answer_once

PLATFORMS = {"cuda": (Platform, FlashAttentionBackend), "cpu": (CpuPlatform, CPUAttentionBackend)}
"""Device type to what plans the blocks there, and the backend whose kernels they must suit."""
CPU_BLOCK_SIZE = 128
"""Set by ``CpuPlatform.check_and_update_config`` where none was given."""


class AttentionStandIn(AttentionLayerBase):
    """A full-attention layer: the shapes that ``Attention.get_kv_cache_spec`` reads."""

    def __init__(self, config: VllmConfig) -> None:
        model, cache = config.model_config, config.cache_config
        _, self._backend = PLATFORMS[config.device_config.device_type]
        if cache.cache_dtype == "nvfp4":
            self._backend = import_flashinfer_backend()
        dtype = model.dtype if cache.cache_dtype == "auto" else STR_DTYPE_TO_TORCH_DTYPE[cache.cache_dtype]
        self._shapes = SimpleNamespace(
            attn_backend=self._backend,
            attn_type=AttentionType.DECODER,
            sliding_window=None,
            kv_cache_dtype=cache.cache_dtype,
            kv_cache_torch_dtype=dtype,
            num_kv_heads=model.get_num_kv_heads(config.parallel_config),
            head_size=model.get_head_size(),
            head_size_v=model.get_head_size(),
        )

    def get_attn_backend(self) -> Any:
        return self._backend

    def get_kv_cache_spec(self, config: VllmConfig) -> Any:
        spec = Attention.get_kv_cache_spec(self._shapes, config)
        return self._backend.customize_spec(spec)  # as ``v1/worker/utils.py`` does with every layer's


class StateStandIn(MambaBase):
    """A Gated DeltaNet layer: the model class's own shapes, ``MambaBase.get_kv_cache_spec`` does the rest."""

    def __init__(self, config: VllmConfig) -> None:
        model = config.model_config
        model_class, _ = ModelRegistry.resolve_model_cls(model.architecture, model_config=model)
        self._shape = model_class.get_mamba_state_shape_from_config(config)
        self._dtype = model_class.get_mamba_state_dtype_from_config(config)

    @property
    def mamba_type(self) -> Any:
        from vllm.v1.attention.backends.registry import MambaAttentionBackendEnum

        return MambaAttentionBackendEnum.GDN_ATTN

    def get_state_shape(self) -> Any:
        return self._shape

    def get_state_dtype(self) -> Any:
        return self._dtype


@lru_cache(1)
def import_flashinfer_backend() -> Any:
    """The only backend with an NVFP4 cache; FlashInfer's kernels, never called by planning, are not installed here."""
    for name in ("flashinfer", "flashinfer.decode", "flashinfer.prefill", "flashinfer.utils"):
        sys.modules.setdefault(name, MagicMock(__spec__=None))
    return importlib.import_module("vllm.v1.attention.backends.flashinfer").FlashInferBackend


def read_models(descriptions: dict[str, Any], folder: Path) -> dict[str, ModelConfig]:
    """A real ``ModelConfig`` from each ``config.json``."""
    found = {}
    for name, description in descriptions.items():
        place = folder / name
        place.mkdir()
        (place / "config.json").write_text(json.dumps(description))
        arguments = EngineArgs(model=str(place), skip_tokenizer_init=True, dtype="bfloat16", language_model_only=True)
        found[name] = arguments.create_model_config()
    return found


def build_config(model: ModelConfig, asked: dict[str, Any]) -> VllmConfig:
    """The parts of ``VllmConfig`` that the cache is planned from, without what looks for a device."""
    config = object.__new__(VllmConfig)
    config.model_config = copy.copy(model)
    config.model_config.max_model_len = asked["max_model_len"]
    config.model_config.original_max_model_len = asked["max_model_len"]
    arguments: dict[str, Any] = {
        "cache_dtype": asked["kv_cache_dtype"],
        "mamba_ssm_cache_dtype": asked["state_dtype"],
        "enable_prefix_caching": asked["prefix_caching"],
    }
    if asked["block_size"] is not None:
        arguments["block_size"] = asked["block_size"]
    config.cache_config = CacheConfig(**arguments)
    config.cache_config.kv_cache_layout = asked["layout"]
    config.cache_config.user_specified_block_size = asked["block_size"] is not None
    if asked["block_size"] is None:
        is_cpu = asked["device"] == "cpu"
        config.cache_config.block_size = CPU_BLOCK_SIZE if is_cpu else CacheConfig.DEFAULT_BLOCK_SIZE
    config.parallel_config = SimpleNamespace(
        tensor_parallel_size=asked["tensor_parallel_size"],
        pipeline_parallel_size=asked["pipeline_parallel_size"],
        decode_context_parallel_size=1,
        prefill_context_parallel_size=1,
    )
    config.scheduler_config = SimpleNamespace(disable_hybrid_kv_cache_manager=False, enable_chunked_prefill=True)
    config.speculative_config = speculation(asked["mtp_tokens"])
    config.compilation_config = CompilationConfig()
    config.attention_config = SimpleNamespace(hisparse_config=None)
    config.device_config = SimpleNamespace(device_type=asked["device"])
    config.kv_transfer_config = None
    config.diffusion_config = None
    return config


def speculation(tokens: int) -> Any:
    if not tokens:
        return None
    return SimpleNamespace(
        method="mtp",
        num_speculative_tokens=tokens,
        use_eagle=lambda: True,
        use_eagle_block_drop=lambda: True,
        use_multi_module_mtp=lambda: False,
    )


def place_layers(config: VllmConfig, layer_types: list[str]) -> list[list[str]]:
    """Put the layers of the model into ``config``; their names by pipeline stage, the MTP layer last."""
    layers = config.compilation_config.static_forward_context
    kinds = {"full_attention": AttentionStandIn, "linear_attention": StateStandIn}
    stages: list[list[str]] = []
    size = config.parallel_config.pipeline_parallel_size
    for rank in range(size):
        start, end = get_pp_indices(len(layer_types), rank, size)
        stages.append([f"model.layers.{index}.attn" for index in range(start, end)])
    names = [name for stage in stages for name in stage]
    for name, kind in zip(names, layer_types, strict=True):
        layers[name] = kinds[kind](config)
    if config.speculative_config is not None:
        layers["mtp.layers.0.attn"] = AttentionStandIn(config)
        stages[-1].append("mtp.layers.0.attn")
    return stages


def plan(model: ModelConfig, asked: dict[str, Any]) -> dict[str, Any]:
    """Block size, bytes per block, blocks and concurrency, or why vLLM would not start."""
    config = build_config(model, asked)
    updates = MODELS_CONFIG_MAP.get(config.model_config.architecture)
    if config.model_config.is_hybrid:
        if updates is not None:
            updates.verify_and_update_config(config)
        HybridAttentionMambaModelConfig.verify_and_update_config(config)
    stages = place_layers(config, asked["layer_types"])
    platform, _ = PLATFORMS[asked["device"]]
    platform.update_block_size_for_backend(config)
    layers = config.compilation_config.static_forward_context
    specs = [{name: layers[name].get_kv_cache_spec(config) for name in stage} for stage in stages]
    answer = {"block_size_tokens": config.cache_config.block_size}
    try:
        configs = get_kv_cache_configs(config, specs, [asked["available_bytes"]] * len(specs))
    except ValueError as error:
        return answer | {"refused": str(error)}
    concurrency = get_max_concurrency_for_kv_cache_config(config, configs[0])
    return answer | {
        "refused": None,
        "num_blocks": configs[0].num_blocks,
        "bytes_per_block": max(_pool_bytes_per_block(config, one.kv_cache_groups) for one in configs),
        "blocks_per_request": round(configs[0].num_blocks / concurrency),
        "max_concurrency": concurrency,
    }


def answer(request: dict[str, Any]) -> list[dict[str, Any]]:
    """One answer for each entry of ``configurations``; ``models`` are ``config.json`` files by name."""
    with tempfile.TemporaryDirectory() as folder:
        models = read_models(request["models"], Path(folder))
        return [plan(models[asked["model"]], asked) for asked in request["configurations"]]


if __name__ == "__main__":
    answer_once(answer)
