"""What the hardware allows at best: lower bounds on TTFT and TPOT, an upper bound on throughput.

A bound, not a forecast: no server reaches it. It says how far a measurement is from the machine's end.
Not here: measurements (``qwen_infra.benchmark``) and memory (``fit.py``).
"""

from dataclasses import dataclass
from functools import lru_cache

from qwen_infra.catalog import Model
from qwen_infra.sizing.fit import Fit
from qwen_infra.sizing.kv_cache import CacheOptions
from qwen_infra.sizing.request import FitRequest
from qwen_infra.sizing.tensors import list_tensors
from qwen_infra.sizing.weights import LOADED_BUFFERS_BYTES, WeightLoading, count_weight_bytes, list_pipeline_stages

__all__ = ["PhysicalLimit", "Traffic", "count_active_parameters", "estimate_limit"]


@dataclass(frozen=True, slots=True)
class Traffic:
    """A steady load: how many requests run at once, and how long their prompts and answers are [tokens]."""

    concurrency: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class PhysicalLimit:
    """The bounds, and the parts of the decode step that they come from.

    Args:
        ttft_ms: least time from request to first token of a prompt that has the machine to itself.
        tpot_ms: least time per output token at that concurrency.
        output_tokens_per_s: most generated tokens of all requests together, prefill of their prompts included.
        weight_read_bytes: of one decode step, all GPUs together [B]; likewise the other two.
    """

    ttft_ms: float
    tpot_ms: float
    output_tokens_per_s: float
    weight_read_bytes: int
    cache_read_bytes: int
    state_read_bytes: int

    def share_of_tpot(self, measured_tpot_ms: float) -> float:
        """How much of the possible speed a measured TPOT reaches: 0.12 says that the limit is 12 % of it."""
        return self.tpot_ms / measured_tpot_ms


def count_active_parameters(model: Model) -> int:
    """Parameters that one token is multiplied with: without embedding, vision, MTP and the experts not chosen."""
    architecture = model.architecture
    total = 0
    for stage_tensor in list_tensors(architecture):
        if stage_tensor.part in ("embedding", "vision", "norm") or stage_tensor.placement == "mtp":
            continue
        layers = list_pipeline_stages(model, 1)[0].count(stage_tensor.placement)
        parameters = stage_tensor.parameters * layers
        if stage_tensor.part == "routed_experts" and architecture.moe is not None:
            parameters = parameters * architecture.moe.experts_per_token // architecture.moe.experts
        total += parameters
    if architecture.tied_embeddings:
        total += architecture.hidden * architecture.vocabulary_size
    return total


def estimate_limit(fit: Fit, traffic: Traffic) -> PhysicalLimit:
    """The bounds for a configuration under a steady load.

    A decode step reads, split over the GPUs: the dense weights once; of the routed experts the expected number of
    distinct ones, E · (1 - (1 - k/E)^batch) for uniform and independent routing; the key/value cache of every running
    request at its mean length (prompt + half the answer); every request's state. Time = bytes / (GPUs · bandwidth), or
    2 · active parameters · batch / (GPUs · arithmetic rate) where that is longer.
    A prompt takes 2 · active parameters · tokens + 2 · q_heads · (key + value width) · tokens² / 2 · attention layers
    operations (causal attention), or one read of all weights where that is longer.
    Throughput: batch answers take their prompts' operations plus output tokens · TPOT.

    Assumptions: datasheet bandwidth and dense arithmetic rate, reached fully; perfect overlap; caches in their stored
    precision; a quantized layer computes at its stored precision's rate where the GPU has one, GPTQ at BF16's.
    Left out, each of which only adds time: activations, writing state and cache, collectives, launch and scheduling,
    uneven routing between GPUs, replicated key/value heads, dequantization, the sampler.
    """
    request = fit.request
    gpus = request.tensor_parallel_size * request.pipeline_parallel_size * request.data_parallel_size
    batch = traffic.concurrency
    weight_bytes = _decode_weight_bytes(request, batch)
    mean_tokens = traffic.input_tokens + traffic.output_tokens / 2
    cache_bytes, state_bytes = _request_bytes(fit)
    reads = weight_bytes + batch * (cache_bytes * mean_tokens + state_bytes)
    bandwidth = gpus * request.gpu.bandwidth_bytes_per_s
    rate = gpus * _operations_per_s(request)
    tpot_s = max(reads / bandwidth, 2 * count_active_parameters(request.model) * batch / rate)
    prefill_s = _prefill_operations(request.model, traffic.input_tokens) / rate
    ttft_s = max(prefill_s, _decode_weight_bytes(request, traffic.input_tokens) / bandwidth)
    decode_s = traffic.output_tokens * tpot_s
    return PhysicalLimit(
        ttft_ms=1000 * ttft_s,
        tpot_ms=1000 * tpot_s,
        output_tokens_per_s=batch * traffic.output_tokens / (batch * prefill_s + decode_s),
        weight_read_bytes=round(weight_bytes),
        cache_read_bytes=round(batch * cache_bytes * mean_tokens),
        state_read_bytes=round(batch * state_bytes),
    )


@lru_cache(maxsize=512)
def _weight_bytes_by_kind(model: Model, precision: str) -> tuple[float, float]:
    """Bytes of the dense weights that a step reads, and of all routed experts, on one GPU that holds everything."""
    whole = WeightLoading(loads_vision=False)
    without_experts = WeightLoading(loads_vision=False, expert_shards=2**40)
    stage = list_pipeline_stages(model, 1)[0]
    checkpoint = model.checkpoint(precision)
    everything = count_weight_bytes(model, checkpoint, whole, stage)
    dense = count_weight_bytes(model, checkpoint, without_experts, stage)
    embedding = 0 if model.architecture.tied_embeddings else _embedding_bytes(model)
    return dense - LOADED_BUFFERS_BYTES - embedding, everything - dense


def _embedding_bytes(model: Model) -> int:
    return 2 * model.architecture.hidden * model.architecture.vocabulary_size


def _decode_weight_bytes(request: FitRequest, tokens: int) -> float:
    dense, experts = _weight_bytes_by_kind(request.model, request.precision)
    moe = request.model.architecture.moe
    if moe is None:
        return dense
    return dense + experts * (1 - (1 - moe.experts_per_token / moe.experts) ** tokens)


def _request_bytes(fit: Fit) -> tuple[float, float]:
    """Cache bytes per token and state bytes per request over all GPUs, as they are stored, without padding."""
    architecture = fit.request.model.architecture
    options = CacheOptions(kv_cache_dtype=fit.kv_cache_dtype, state_dtype=fit.request.state_dtype)
    element = options.sixteenths_per_value / 16
    layers = architecture.full_attention_layers
    if architecture.latent_attention is not None:
        latent = architecture.latent_attention
        return layers * (latent.kv_lora_rank + latent.qk_rope_head_dim) * element, 0.0
    assert architecture.attention is not None  # Architecture demands one of the two
    cache = layers * 2 * architecture.attention.kv_heads * architecture.attention.head_dim * element
    net = architecture.linear_attention
    if net is None:
        return cache, 0.0
    state = net.value_heads * net.value_head_dim * net.key_head_dim
    return cache, architecture.linear_attention_layers * state * (
        4 if options.state_dtype in ("auto", "float32") else 2
    )


def _operations_per_s(request: FitRequest) -> int:
    """Dense rate of the precision that the matrices are multiplied in; mixed checkpoints at the faster one."""
    rates = request.gpu.arithmetic
    by_precision = {"fp8": rates.fp8, "nvfp4": rates.fp4}
    return by_precision.get(request.checkpoint.precision) or rates.bf16


def _prefill_operations(model: Model, tokens: int) -> float:
    """Operations of one prompt; GDN's scan and latent attention's scores are left out beyond their projections."""
    architecture = model.architecture
    linear = 2.0 * (count_active_parameters(model) - architecture.hidden * architecture.vocabulary_size) * tokens
    heads = architecture.query_heads
    if architecture.latent_attention is not None:
        return linear
    assert architecture.attention is not None  # Architecture demands one of the two
    return linear + 2.0 * heads * architecture.attention.head_dim * tokens**2 * architecture.full_attention_layers
