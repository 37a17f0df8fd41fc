"""The key/value cache and GDN state in blocks, exactly as vLLM 0.32 allocates them.

Three memory rules: plain attention (GQA, dense or MoE), the Qwen3.5 hybrid (attention and GDN share one pool of
equal blocks), and latent attention (MLA, with the index cache of sparse attention). Another family is another rule.
Not here: how much memory is left for the blocks (``fit.py``).

Source: ``vllm/v1/core/kv_cache_utils.py`` (``get_kv_cache_groups``, ``_get_kv_cache_bytes_per_block``,
``_max_memory_usage_bytes_from_groups``) and ``vllm/platforms/interface.py`` (``update_block_size_for_backend``).
Accuracy: equal to those functions in every configuration tried (the hybrid: 2048 drawn ones, 0 mismatches).
"""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import Literal

from qwen_infra.catalog import Attention, GatedDeltaNet, LatentAttention, Model
from qwen_infra.sizing.weights import PipelineStage

__all__ = ["CacheOptions", "CachePool", "KvCacheDtype", "StateDtype", "plan_cache"]

KvCacheDtype = Literal["auto", "bfloat16", "fp8", "fp8_e4m3", "fp8_e5m2", "nvfp4"]
StateDtype = Literal["auto", "float32", "bfloat16", "float16"]

DEFAULT_BLOCK_TOKENS = 16
"""``--block-size`` of a GPU when it is not given; other devices: ``devices.py``."""
SPARSE_MLA_BLOCK_TOKENS = 64
"""The only kernel block of the sparse index cache on CUDA (``v1/attention/backends/mla/indexer.py``)."""


@dataclass(frozen=True, slots=True)
class CacheOptions:
    """The server settings that shape the cache.

    Args:
        is_sm100: data-centre Blackwell, where sparse MLA keeps plain FP8 rows instead of the packed layout.
        block_size: ``--block-size``; None for vLLM's default, ``block_tokens``.
        kernel_block_tokens: of which blocks are a multiple.
    """

    tensor_parallel_size: int = 1
    kv_cache_dtype: KvCacheDtype = "auto"
    state_dtype: StateDtype = "auto"
    mtp_tokens: int = 0
    prefix_caching: bool = True
    block_size: int | None = None
    is_sm100: bool = False
    block_tokens: int = DEFAULT_BLOCK_TOKENS
    kernel_block_tokens: int = DEFAULT_BLOCK_TOKENS

    @property
    def is_fp8(self) -> bool:
        return self.kv_cache_dtype.startswith("fp8")

    @property
    def sixteenths_per_value(self) -> int:
        """Memory of one cached value in sixteenths of a byte: 2 bytes, 1 (FP8), or 9/16 (NVFP4 with its scales).

        NVFP4: ``nvfp4_kv_cache_full_dim`` of ``vllm/utils/torch_utils.py``: half a byte, and one byte for 16 values.
        """
        if self.kv_cache_dtype == "nvfp4":
            return 9
        return 16 if self.is_fp8 else 32


@dataclass(frozen=True, slots=True)
class CachePool:
    """One pool of equal blocks on one GPU.

    Args:
        block_tokens: tokens of context that one block of a full-attention group holds.
        bytes_per_block: one block across all layers of its group [B].
        state_blocks: blocks that a request takes whatever its length (GDN state); 0 without GDN.
        attention_groups: groups whose blocks grow with the context; each takes its own.
        short_request_blocks: blocks with which a request shorter than one block is admitted.
    """

    block_tokens: int
    bytes_per_block: int
    state_blocks: int
    attention_groups: int
    short_request_blocks: int

    def count_request_blocks(self, context_tokens: int) -> int:
        """Blocks of one request of that many tokens, at its worst moment."""
        return self.attention_groups * ceil(context_tokens / self.block_tokens) + self.state_blocks

    @property
    def worst_short_request_blocks(self) -> int:
        """Blocks of a request shorter than one block when it crosses a boundary (prefix caching keeps two states)."""
        return self.attention_groups + self.state_blocks

    def longest_context(self, num_blocks: int) -> int:
        """Tokens of the longest request that fits in the pool; one block is vLLM's null block; 0 when none fits."""
        return max(0, (num_blocks - 1 - self.state_blocks) // self.attention_groups * self.block_tokens)


def plan_cache(model: Model, options: CacheOptions, stage: PipelineStage) -> CachePool:
    """The pool of one GPU of a pipeline stage. ``model``'s heads must be divisible by the TP size."""
    return _plan_cache(model, options, stage.full_layers, stage.linear_layers, stage.is_last)


@lru_cache(maxsize=8192)
def _plan_cache(model: Model, options: CacheOptions, full: int, linear: int, is_last: bool) -> CachePool:
    architecture = model.architecture
    drafts = 1 if options.mtp_tokens else 0
    attention_layers = full + (drafts if is_last else 0)
    if architecture.latent_attention is not None:
        return _latent_pool(architecture.latent_attention, options, attention_layers)
    assert architecture.attention is not None  # Architecture demands one of the two
    token_bytes = _attention_token_bytes(architecture.attention, options)
    if architecture.linear_attention is None:
        block = options.block_size or options.block_tokens
        return CachePool(block, block * token_bytes * attention_layers, 0, 1, 1)
    groups = _group_layers(architecture.full_attention_layers + drafts, architecture.linear_attention_layers)
    state_bytes = _state_bytes(architecture.linear_attention, options)
    return _hybrid_pool(options, token_bytes, state_bytes, groups, (attention_layers, linear))


@dataclass(frozen=True, slots=True)
class _Groups:
    """Into how many groups vLLM splits the attention layers and the GDN layers."""

    attention: int
    state: int


def _group_layers(attention_layers: int, state_layers: int) -> _Groups:
    """The split of ``_get_kv_cache_groups_uniform_page_size``: groups as large as the rarer kind of layer.

    Unless the other kind has less than 1.5 times as many layers: then both become one padded group.
    """
    smaller, larger = sorted((attention_layers, state_layers))
    size = larger if larger < 1.5 * smaller else smaller
    return _Groups(ceil(attention_layers / size), ceil(state_layers / size))


def _hybrid_pool(
    options: CacheOptions, token_bytes: int, state_bytes: int, groups: _Groups, layers: tuple[int, int]
) -> CachePool:
    """Attention blocks are made as large as one layer's state, and the state is padded to them.

    Formula: block = a · ceil(state / (a · token)) with a = max(kernel's block, --block-size); bytes = layers of a group
    · block · token; a request keeps (2 with prefix caching, 1 without) + speculative states per state group.
    """
    kernel = options.kernel_block_tokens
    alignment = max(kernel, options.block_size or options.block_tokens)
    block = alignment * ceil(state_bytes / (alignment * token_bytes))
    block = kernel * ceil(block / kernel)
    group_layers = max(ceil(layers[0] / groups.attention), ceil(layers[1] / groups.state))
    states = (2 if options.prefix_caching else 1) + options.mtp_tokens
    return CachePool(
        block_tokens=block,
        bytes_per_block=group_layers * block * token_bytes,
        state_blocks=groups.state * states,
        attention_groups=groups.attention,
        short_request_blocks=groups.attention + groups.state * (1 + options.mtp_tokens),
    )


def _attention_token_bytes(attention: Attention, options: CacheOptions) -> int:
    """Key and value of one token in one layer on one GPU [B]; heads are replicated when TP exceeds them."""
    heads = max(1, attention.kv_heads // options.tensor_parallel_size)
    return 2 * heads * attention.head_dim * options.sixteenths_per_value // 16


def _state_bytes(net: GatedDeltaNet, options: CacheOptions) -> int:
    """Convolution and recurrent state of one GDN layer for one request on one GPU [B].

    The convolution state is BF16; ``mamba_ssm_dtype`` float32 of Qwen3.5's configuration is what ``auto`` means.
    """
    mixed = 2 * net.key_heads * net.key_head_dim + net.value_heads * net.value_head_dim
    convolution = (net.conv_kernel - 1 + options.mtp_tokens) * (mixed // options.tensor_parallel_size) * 2
    element = 4 if options.state_dtype in ("auto", "float32") else 2
    heads = net.value_heads // options.tensor_parallel_size
    return convolution + heads * net.value_head_dim * net.key_head_dim * element


def _latent_pool(latent: LatentAttention, options: CacheOptions, layers: int) -> CachePool:
    """One latent vector a token for all heads, never split by TP, and beside it the index keys of sparse attention.

    Row bytes: BF16 (rank + rope) · 2; FP8 rank + rope; FP8 packed (sparse attention outside SM100) rank + scales + BF16
    rope = 656 for 512 + 64. Index: head dim + 4 bytes of scale per 128. Kernels read whole rows, so a block is rounded
    up to them (``align_blocks_to_rows``).
    """
    is_sparse = latent.index_head_dim is not None
    row = (latent.kv_lora_rank + latent.qk_rope_head_dim) * (1 if options.is_fp8 else 2)
    alignment = 1
    if options.is_fp8 and is_sparse:
        if options.is_sm100:
            alignment = 32 * row
        else:
            row = latent.kv_lora_rank + latent.kv_lora_rank // 128 * 4 + 2 * latent.qk_rope_head_dim
    elif is_sparse:
        alignment = row
    index = latent.index_head_dim + latent.index_head_dim // 128 * 4 if latent.index_head_dim is not None else 0
    block = options.block_size or (SPARSE_MLA_BLOCK_TOKENS if is_sparse else options.block_tokens)
    return CachePool(block, alignment * ceil(layers * block * (row + index) / alignment), 0, 1, 1)
