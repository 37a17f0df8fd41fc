"""What the server can do, as keys of ``server``: thinking, tools, context, caches, speculation, sampling."""

from typing import Literal

from pydantic import Field

from qwen_infra.settings.base import Settings

__all__ = ["FeatureSettings", "SamplingSettings"]


class SamplingSettings(Settings):
    """Sampling of a request that says nothing; a request's own values always win."""

    preset: str | None = Field(
        None, description="Recommendation of the model's card: thinking, thinking-coding, instruct or another mode."
    )
    temperature: float | None = Field(None, ge=0, le=2, description="Instead of the preset's.")
    top_p: float | None = Field(None, gt=0, le=1, description="Instead of the preset's.")
    top_k: int | None = Field(None, ge=-1, description="Instead of the preset's; -1 takes every token.")
    min_p: float | None = Field(None, ge=0, le=1, description="Instead of the preset's.")
    presence_penalty: float | None = Field(None, ge=-2, le=2, description="Instead of the preset's.")
    repetition_penalty: float | None = Field(None, gt=0, le=2, description="Instead of the preset's.")
    max_new_tokens: int | None = Field(None, ge=1, description="Longest answer of a request that sets no max_tokens.")


class FeatureSettings(Settings):
    """Keys of ``server`` that change what the model does or what its memory is used for."""

    thinking: bool = Field(True, description="Split thinking from the answer (the reasoning parser).")
    thinking_by_default: bool | None = Field(
        None, description="Whether a request thinks that says nothing of it; default: the model's own habit."
    )
    tools: bool = Field(True, description="Tool calls (automatic tool choice and the tool parser).")
    text_only: bool = Field(False, description="Do not load the vision tower.")
    encoder_data_parallel: bool = Field(
        False, description="Spread images over the GPUs instead of cutting the vision tower: for many images or videos."
    )
    long_context: bool = Field(
        False, description="Contexts above the native one by YaRN, up to about 1M; worse for short prompts."
    )
    prefix_caching: bool = Field(True, description="Keep the KV cache of common beginnings of prompts.")
    mtp_tokens: int = Field(
        0, ge=0, le=5, description="Speculative tokens of multi-token prediction; 0: off. For latency at low load."
    )
    kv_cache_dtype: Literal["auto", "bfloat16", "fp8", "fp8_e4m3", "fp8_e5m2", "nvfp4"] = Field(
        "auto", description="Type of the KV cache; fp8 doubles it, nvfp4 (Blackwell) nearly quadruples it."
    )
    state_dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="Type of the linear-attention state; bfloat16 leaves more memory for the KV cache."
    )
    kv_offloading_gib: float | None = Field(
        None, gt=0, description="GiB of host memory, over all GPUs of a server, for KV cache that left the GPUs."
    )
    quantization: str | None = Field(None, description="vLLM's --quantization; official checkpoints need none.")
    sampling_defaults: SamplingSettings | None = Field(
        None, description="Sampling of requests that say nothing; default: the checkpoint's generation_config.json."
    )
    max_num_seqs: int | None = Field(None, ge=1, description="Requests at once; default: what the memory carries.")
    max_num_batched_tokens: int | None = Field(
        None, ge=1, description="Tokens of one step; default: vLLM's own for the GPU."
    )
    longest_answer_tokens: int = Field(
        4096, ge=1, le=1_000_000, description="Longest answer that a stopping server still finishes; decides the drain."
    )
    enforce_eager: bool = Field(False, description="No CUDA graphs: a quicker start, slower answers.")
