"""The start-up budget: above every measured start, and every timeout follows from it."""

import pytest

from qwen_infra.catalog import find_gpu, find_model
from qwen_infra.sizing import FitRequest, fit_model
from qwen_infra.sizing.startup import STORAGE_BYTES_PER_S

MEASURED_ON_H200_S = [
    ("Qwen3.5-4B", "bf16", True, 107),
    ("Qwen3.5-27B", "bf16", True, 112),
    ("Qwen3.5-27B", "fp8", True, 205),
    ("Qwen3.5-27B", "bf16", False, 171),
    ("Qwen3.5-35B-A3B", "bf16", True, 146),
]


def startup(name="Qwen3.5-397B-A17B", precision="gptq-int4", gpu="GB200", size=4, text_only=False, **cache):
    request = FitRequest(find_model(name), precision, find_gpu(gpu), tensor_parallel_size=size, text_only=text_only)
    return fit_model(request).startup(**cache)


@pytest.mark.parametrize(("name", "precision", "text_only", "measured_s"), MEASURED_ON_H200_S)
def test_the_budget_without_reading_is_above_a_measured_start(name, precision, text_only, measured_s):
    budget = startup(name, precision, "H200", 1, text_only)
    work_s = budget.initialize_s + budget.compile_s + budget.graphs_s + budget.load_s
    assert work_s > 0.95 * measured_s
    assert budget.total_s - budget.read_s > measured_s


def test_the_parts_and_the_margin_add_up_to_the_total_rounded_up_to_ten_seconds():
    budget = startup()
    parts = budget.read_s + budget.load_s + budget.initialize_s + budget.compile_s + budget.graphs_s + budget.margin_s
    assert budget.total_s % 10 == 0
    assert 0 <= budget.total_s - parts < 10


def test_reading_takes_the_bytes_over_the_bandwidth():
    budget = startup(storage_bytes_per_s=2e9)
    assert budget.read_s == pytest.approx(235_657_499_488 / 2e9)


@pytest.mark.parametrize("kind", STORAGE_BYTES_PER_S)
def test_every_kind_of_cache_has_a_speed(kind):
    assert startup(cache_kind=kind).read_s == pytest.approx(235_657_499_488 / STORAGE_BYTES_PER_S[kind])


def test_network_storage_takes_longer_than_the_nodes_disk():
    assert startup(cache_kind="pvc").total_s > startup(cache_kind="hostPath").total_s


def test_the_budget_of_a_fit_is_that_of_the_nodes_disk():
    request = FitRequest(find_model("Qwen3.5-4B"), "bf16", find_gpu("H200"))
    assert fit_model(request).startup_budget_s == fit_model(request).startup().total_s


def test_the_parts_add_up_to_the_budget():
    budget = startup()
    assert budget.total_s - 10 < sum(budget.parts_s.values()) <= budget.total_s


def test_a_rollout_may_take_the_images_pull_longer():
    assert startup().rollout_timeout_s == startup().total_s + 600
