"""GPU memory that is neither weights nor cache: activation peak, CUDA graphs, and what PyTorch does not allocate.

A model of vLLM's profiling run, fitted to measurements on one H200 (vLLM 0.24) and to the code that runs in it
(vLLM 0.32, ``v1/worker/gpu_model_runner.py``: ``profile_run``, ``profile_cudagraph_memory``). Always for a cold compile
cache: a warm one leaves more for the cache. Not here: weights (``weights.py``) and blocks (``kv_cache.py``).
"""

from dataclasses import dataclass

from qwen_infra.catalog import Architecture, MixtureOfExperts, VisionTower

__all__ = ["Reserve", "Workload", "estimate_reserve"]

_GIB = 2**30

ACTIVATION_BASE_BYTES = int(0.057 * _GIB)
"""Left of the measured peak of 4B (1.32 GiB; 1.26 with 2048 batched tokens) and 27B (2.58) when the two terms that
are explained, V·H·2 and 4·H·tokens, are taken away: 0.056 to 0.058 GiB in all three."""
SAMPLER_BASE_BYTES = int(0.87 * _GIB)
SAMPLER_BYTES_PER_LOGIT = 10.62
"""Peak of the dummy sampler as base + 10.62 B · vocabulary · sequences: the chord through the 4B's peaks at 128
(1.32 GiB) and 1024 sequences (3.52 GiB). The peak is a maximum of terms that are linear in the sequences, so it is
convex and lies under its chord in between."""
SAMPLER_BYTES_PER_LOGIT_BEYOND = 14.4
"""Slope through the origin at 1024 sequences, for more than that. The code says 14: the logits in BF16 (2), their copy
in float32 (4), probabilities (4) and exponential noise (4)."""
SPECULATION_BYTES_PER_LOGIT = 30.0
"""Peak of the dummy rejection sampler with MTP, by V · sequences: logits of two positions in BF16 (4), the bonus
position's logits (2) and their raw copy (4), the target's (4) and their clone (4), probabilities (4), noise (4) and its
reciprocal (4). One draft a sequence, whatever the number of speculative tokens. From the code of
``RejectionSampler.forward`` and ``sample_recovered_tokens`` (the same in 0.24 and 0.32), not measured."""
SPECULATION_BASE_BYTES = int(0.2 * _GIB)
"""The plain sampler's peak at 1024 sequences lies 0.13 GiB over 14 B a logit; a little more."""
ENCODER_TOKENS = 16384
"""Largest image of the Qwen3.5 processor (16777216 pixels over 32 x 32): what the encoder is profiled with. A video
item is smaller: 25165824 pixels over two frames are 12288 tokens (``get_modality_with_max_tokens``)."""
ENCODER_MARGIN = 1.15
"""On the encoder's peak: workspaces of its kernels and the allocator's rounding. Not measured."""
NON_TORCH_BYTES = int(0.25 * _GIB)
"""Measured 0.23 to 0.25 GiB on one GPU."""
COLLECTIVES_BYTES = int(0.75 * _GIB)
"""Added when GPUs talk to each other: NCCL 0.33 to 0.38 GiB (aiconfigurator ``nccl_mem``), the buffers of custom and
fused all-reduce. Not measured."""
GRAPH_BYTES_PER_LAYER = int(0.27 / 32 * _GIB)
"""CUDA graphs at up to 128 sequences: measured 0.26 GiB for 32 layers and 0.54 for 64."""
GRAPH_BYTES_PER_LAYER_FULL = int(0.51 / 32 * _GIB)
"""The same from 256 sequences on, where the list of captured sizes has reached its end (512 tokens): 0.50 GiB for 32
layers at 1024 sequences."""
SAFETY_BYTES = int(0.12 * _GIB)
"""So that the number of blocks stays under the measured one: run-to-run differences and the first terms' rounding."""


@dataclass(frozen=True, slots=True)
class Workload:
    """The server settings that decide the size of one step.

    Args:
        max_num_batched_tokens: tokens of one prefill step.
        ranks: GPUs that compute one model together (TP x PP, times DP with experts).
    """

    max_num_seqs: int
    max_num_batched_tokens: int
    tensor_parallel_size: int = 1
    expert_shards: int = 1
    is_expert_parallel: bool = False
    ranks: int = 1
    profiles_vision: bool = True
    mtp_tokens: int = 0
    enforce_eager: bool = False


@dataclass(frozen=True, slots=True)
class Reserve:
    """The parts of the reserve on one GPU [B]."""

    activation_bytes: int
    cuda_graph_bytes: int
    non_torch_bytes: int

    @property
    def total_bytes(self) -> int:
        return self.activation_bytes + self.cuda_graph_bytes + self.non_torch_bytes


def estimate_reserve(architecture: Architecture, workload: Workload) -> Reserve:
    """The reserve on one GPU, on the safe side.

    Formula: activation = max(compile, sampler + experts, encoder) + images + safety, where
    compile = V·H·2/TP + 4·H·tokens + base (the compiler benchmarks the embedding kernel on a copy of its table, and
    the hidden state and residual are there meanwhile; it does so before the experts' workspace is made, which then
    stays), sampler = chord(sequences) + 4·H·tokens, images = pixels and encoder output, which the profiling run keeps
    while it runs the language model.
    Accuracy: over the measured reserve by 0.1 to 0.3 GiB on all seven H200 rows; TP above 1, vision, experts and MTP
    are from the code and not measured.
    """
    hidden_bytes = 4 * architecture.hidden * workload.max_num_batched_tokens
    table_bytes = 2 * architecture.vocabulary_size * architecture.hidden // workload.tensor_parallel_size
    compile_bytes = table_bytes + hidden_bytes + ACTIVATION_BASE_BYTES
    sampler_bytes = _sampler_bytes(architecture.vocabulary_size, workload) + hidden_bytes
    if architecture.moe is not None:
        sampler_bytes += _expert_workspace_bytes(architecture.hidden, architecture.moe, workload)
    peaks = [compile_bytes, sampler_bytes]
    if architecture.vision is not None and workload.profiles_vision:
        images = max(1, workload.max_num_batched_tokens // ENCODER_TOKENS)
        kept_bytes = images * _kept_image_bytes(architecture.vision, architecture.hidden)
        peaks = [peak + kept_bytes for peak in peaks]
        peaks.append(images * _encoder_peak_bytes(architecture.vision))
    return Reserve(
        activation_bytes=max(peaks) + SAFETY_BYTES,
        cuda_graph_bytes=_graph_bytes(architecture, workload),
        non_torch_bytes=NON_TORCH_BYTES + (COLLECTIVES_BYTES if workload.ranks > 1 else 0),
    )


def _sampler_bytes(vocabulary: int, workload: Workload) -> int:
    logits = vocabulary * min(workload.max_num_seqs, workload.max_num_batched_tokens)
    chord = SAMPLER_BASE_BYTES + SAMPLER_BYTES_PER_LOGIT * logits
    peak = max(chord, SAMPLER_BYTES_PER_LOGIT_BEYOND * logits)
    if workload.mtp_tokens:
        peak = max(peak, SPECULATION_BASE_BYTES + SPECULATION_BYTES_PER_LOGIT * logits)
    return int(peak)


def _expert_workspace_bytes(hidden: int, moe: MixtureOfExperts, workload: Workload) -> int:
    """Both workspaces of the routed experts for one step: tokens · experts per token · (max(2·I, H) + max(I, H)) · 2 B.

    They stay once they are made (``WorkspaceManager``), so they add to the sampler's peak. Source: ``TritonExperts``'
    ``workspace_shapes``, Hopper's choice for BF16 and FP8; I is divided by the shards unless experts are whole.
    """
    width = moe.expert_intermediate
    if not workload.is_expert_parallel:
        width = max(1, width // workload.expert_shards)
    rows = workload.max_num_batched_tokens * moe.experts_per_token
    return 2 * rows * (max(2 * width, hidden) + max(width, hidden))


def _encoder_peak_bytes(vision: VisionTower) -> int:
    """The largest image in the feed-forward of a layer, in BF16.

    Pixels; position embeddings, the layer's input, its residual and its norm; both sides of the activation.
    """
    width = _pixels(vision) + 4 * vision.hidden + 2 * vision.intermediate
    return int(ENCODER_MARGIN * 2 * _patches(vision) * width)


def _kept_image_bytes(vision: VisionTower, hidden: int) -> int:
    """Pixels and encoder output of one image in BF16: local variables of ``profile_run`` until it ends."""
    return 2 * (_patches(vision) * _pixels(vision) + ENCODER_TOKENS * hidden)


def _patches(vision: VisionTower) -> int:
    return ENCODER_TOKENS * vision.spatial_merge**2


def _pixels(vision: VisionTower) -> int:
    """Values of one patch."""
    return 3 * vision.temporal_patch * vision.patch**2


def _graph_bytes(architecture: Architecture, workload: Workload) -> int:
    """Graphs grow with layers and with the captured batch sizes (up to twice the sequences, at most 512 tokens)."""
    if workload.enforce_eager:
        return 0
    share = min(1.0, max(0.0, (workload.max_num_seqs - 128) / 128))
    per_layer = GRAPH_BYTES_PER_LAYER + share * (GRAPH_BYTES_PER_LAYER_FULL - GRAPH_BYTES_PER_LAYER)
    layers = architecture.layers + (architecture.layers // 2 if workload.mtp_tokens else 0)
    return int(per_layer * max(layers, 24))
