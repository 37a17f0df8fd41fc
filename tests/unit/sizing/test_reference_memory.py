"""The prediction for the reference deployment stands in the README as it is computed."""

from pathlib import Path

import pytest

from qwen_infra.catalog import find_gpu, find_model
from qwen_infra.sizing import Fit, FitRequest, fit_model

ROOT = Path(__file__).parents[3]
MEASURED_MIB = (175750, 175366, 175366, 179133)


@pytest.fixture(scope="module")
def fit() -> Fit:
    request = FitRequest(
        find_model("Qwen3.5-397B-A17B"),
        "gptq-int4",
        find_gpu("GB200"),
        tensor_parallel_size=4,
        gpu_memory_utilization=0.85,
    )
    return fit_model(request)


@pytest.mark.parametrize("page", ["README.md", "docs/sizing.md"])
def test_the_page_says_what_is_predicted(fit: Fit, page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    for gib in (fit.requested_bytes / 2**30, fit.weights_gib, fit.reserve_gib, fit.kv_cache_gib):
        assert f"{gib:.1f}" in text


def test_the_page_says_the_blocks(fit: Fit) -> None:
    text = (ROOT / "docs/sizing.md").read_text("utf-8")
    assert f"{fit.num_blocks} blocks, {fit.max_concurrency:.1f} full-length requests" in text


def test_the_reference_used_more_than_the_share_and_less_than_the_gpu(fit: Fit) -> None:
    beyond = [mib / 1024 - fit.requested_bytes / 2**30 for mib in MEASURED_MIB]
    assert (round(min(beyond), 1), round(max(beyond), 1)) == (14.6, 18.3)
    assert max(MEASURED_MIB) / 1024 < fit.request.gpu.usable_memory_gib
