"""Blocks, bytes and concurrency equal what vLLM 0.32's own functions say, for hundreds of drawn configurations."""

import random
from dataclasses import dataclass, replace
from typing import Any

import pytest

from qwen_infra.catalog import Model, find_gpu, find_model, gpus, models
from qwen_infra.errors import ConfigurationError
from qwen_infra.sizing import Fit, FitRequest, fit_model, list_tensor_parallel_sizes
from qwen_infra.sizing.kv_cache import KvCacheDtype
from tests.contract.hub_configuration import describe, list_layer_types
from tests.contract.interpreter import VllmInterpreter

DRAWN = 800
SEED = 32
LAYOUTS = {"gpu": ("LBHNC", "LBNHC"), "cpu": ("LBHNC",)}
"""The layouts of FlashInfer and FlashAttention on CUDA, and the only one of the processor's backend."""
CACHE_TYPES: tuple[KvCacheDtype, ...] = ("auto", "bfloat16", "fp8", "fp8_e4m3", "fp8_e5m2", "nvfp4")


PROCESSORS = [find_gpu("CPU").with_memory(size * 2**30) for size in (8, 16, 64)]


@dataclass(frozen=True)
class Case:
    """Our prediction, and vLLM's answer to the same question."""

    fit: Fit
    answer: dict[str, Any]

    def __str__(self) -> str:
        request = self.fit.request
        shown = (
            f"{request.model.name} {request.precision} on {request.gpu.name}, TP {request.tensor_parallel_size}, "
            f"{request.max_model_len} tokens, cache {request.kv_cache_dtype}, state {request.state_dtype}, "
            f"MTP {request.mtp_tokens}, prefix caching {request.prefix_caching}, block {request.block_size}"
        )
        return f"{shown}: {self.answer}"


def draw_fits(draw: random.Random) -> list[Fit]:
    """Predictions of configurations with at least one block; a combination that makes no sense is drawn again."""
    found: list[Fit] = []
    while len(found) < DRAWN:
        try:
            fit = fit_model(draw_request(draw))
        except ConfigurationError:
            continue
        if draw.random() < 0.4:
            fit = fill_up(fit, draw)
        if fit.num_blocks:
            found.append(fit)
    return found


def draw_request(draw: random.Random) -> FitRequest:
    model = draw.choice([*hybrids(), plain_model()])
    precision = draw.choice(model.precisions)
    gpu = draw.choice([*gpus(), *PROCESSORS])
    types = CACHE_TYPES if gpu.vendor == "nvidia" else CACHE_TYPES[:-1]
    size = draw.choice(list_tensor_parallel_sizes(model, precision)) if gpu.kind == "gpu" else 1
    return FitRequest(
        model,
        precision,
        gpu,
        tensor_parallel_size=size,
        max_model_len=round(2 ** draw.uniform(7, 19.9)),
        long_context=True,
        gpu_memory_utilization=draw.choice((0.5, 0.85, 0.9, 0.92, 0.95)),
        max_num_seqs=draw.choice((1, 16, 128, 1024)),
        max_num_batched_tokens=draw.choice((2048, 8192, 16384)),
        text_only=draw.random() < 0.5,
        mtp_tokens=draw.choice((0, 0, 1, 2, 3, 5)) if model.architecture.mtp_layers else 0,
        prefix_caching=draw.random() < 0.5,
        kv_cache_dtype=draw.choice(types),
        state_dtype=draw.choice(("auto", "float32", "bfloat16", "float16")),
        block_size=draw.choice((None, None, 16, 32, 64, 128, 256) if gpu.kind == "gpu" else (None, 32, 128)),
        replicates_vision=True,
    )


def fill_up(fit: Fit, draw: random.Random) -> Fit:
    """The same with so large a reserve that about one full-length request is left, where the answer changes."""
    blocks = fit.blocks_per_request + draw.choice((-2, -1, 0, 1, 2))
    left_bytes = blocks * fit.bytes_per_block + draw.randrange(fit.bytes_per_block)
    reserve_bytes = fit.requested_bytes - fit.weights_bytes - left_bytes
    return fit_model(replace(fit.request, reserve_bytes=reserve_bytes)) if reserve_bytes > 0 else fit


def hybrids() -> list[Model]:
    return [model for model in models() if model.architecture.linear_attention is not None and not model.is_base]


def plain_model() -> Model:
    """Attention in every layer: the 9B with its state layers replaced."""
    model = find_model("Qwen3.5-9B")
    changes = {"linear_attention": None, "full_attention_interval": 1, "mtp_layers": 0, "vision": None}
    return model.model_copy(update={"name": "plain", "architecture": model.architecture.model_copy(update=changes)})


def ask(fit: Fit, layout: str) -> dict[str, Any]:
    request = fit.request
    return {
        "device": {"gpu": "cuda", "cpu": "cpu"}[request.gpu.kind],
        "model": request.model.name,
        "layer_types": list_layer_types(request.model.architecture),
        "tensor_parallel_size": request.tensor_parallel_size,
        "pipeline_parallel_size": 1,
        "max_model_len": request.max_model_len,
        "mtp_tokens": request.mtp_tokens,
        "prefix_caching": request.prefix_caching,
        "kv_cache_dtype": fit.kv_cache_dtype,
        "state_dtype": request.state_dtype,
        "block_size": request.block_size,
        "available_bytes": fit.available_bytes,
        "layout": layout,
    }


@pytest.fixture(scope="module")
def cases(vllm: VllmInterpreter) -> list[Case]:
    draw = random.Random(SEED)
    fits = draw_fits(draw)
    request = {
        "models": {fit.request.model.name: describe(fit.request.model) for fit in fits},
        "configurations": [ask(fit, draw.choice(LAYOUTS[fit.request.gpu.kind])) for fit in fits],
    }
    return [Case(fit, answer) for fit, answer in zip(fits, vllm.call("kv_cache", request), strict=True)]


def accepted(cases: list[Case]) -> list[Case]:
    return [case for case in cases if case.answer["refused"] is None]


def test_the_draw_covers_every_model_and_both_answers(cases: list[Case]) -> None:
    assert {case.fit.request.model.name for case in cases} == {model.name for model in [*hybrids(), plain_model()]}
    assert len(accepted(cases)) >= 500
    assert len(cases) - len(accepted(cases)) >= 50
    assert {case.fit.request.gpu.kind for case in accepted(cases)} == {"gpu", "cpu"}
    assert {case.fit.request.kv_cache_dtype for case in accepted(cases)} == set(CACHE_TYPES)


def test_the_block_size_is_vllms(cases: list[Case]) -> None:
    wrong = [str(case) for case in cases if case.fit.block_size_tokens != case.answer["block_size_tokens"]]
    assert wrong == []


@pytest.mark.parametrize("figure", ["num_blocks", "bytes_per_block", "blocks_per_request", "max_concurrency"])
def test_the_figure_is_vllms(cases: list[Case], figure: str) -> None:
    wrong = [str(case) for case in accepted(cases) if getattr(case.fit, figure) != case.answer[figure]]
    assert wrong == []


def test_vllm_refuses_exactly_the_contexts_that_we_say_do_not_fit(cases: list[Case]) -> None:
    wrong = [
        str(case)
        for case in cases
        if (case.answer["refused"] is not None) != (case.fit.num_blocks < case.fit.blocks_per_request + 1)
    ]
    assert wrong == []
