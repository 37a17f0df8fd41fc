"""The GPU data: every product that was asked for, with figures that do not contradict each other."""

import re

import pytest

from qwen_infra.catalog import find_gpu, gpus

NAMES = (
    "GB200",
    "GB300",
    "B200",
    "B300",
    "H200",
    "H100",
    "H20",
    "A100-40GB",
    "A100-80GB",
    "L40S",
    "L4",
    "RTX-4090",
    "RTX-PRO-6000",
    "MI300X",
    "MI325X",
    "MI355X",
    "CPU",
)


@pytest.mark.parametrize("name", NAMES)
def test_every_gpu_that_was_asked_for_is_there(name):
    assert find_gpu(name).name == name


def test_the_reference_machine_is_described_as_it_is():
    gpu = find_gpu("GB200")
    assert (gpu.memory_mib, gpu.product_label, gpu.node_label_key) == (189471, "NVIDIA-GB200", "nvidia.com/gpu.product")
    assert (gpu.gpus_per_node, gpu.node_architecture, gpu.node_cpu, gpu.node_memory_gib) == (4, "arm64", 144, 960)
    assert gpu.resource_name == "nvidia.com/gpu"


def test_the_measured_h200_has_its_measured_memory():
    gpu = find_gpu("H200")
    assert (gpu.memory_mib, round(gpu.usable_memory_gib, 2)) == (143771, 139.80)
    assert gpu.sources["usable_memory_bytes"].certainty == "measured"


@pytest.mark.parametrize("gpu", gpus(), ids=lambda gpu: gpu.name)
def test_usable_memory_is_what_a_driver_leaves(gpu):
    assert 0.955 < gpu.usable_memory_gib * 1024 / gpu.memory_mib <= 1


@pytest.mark.parametrize("gpu", gpus(), ids=lambda gpu: gpu.name)
def test_fewer_bits_are_never_slower(gpu):
    rates = gpu.arithmetic
    assert rates.bf16 <= (rates.fp8 or rates.bf16) <= (rates.fp4 or rates.fp8 or rates.bf16)


@pytest.mark.parametrize("gpu", gpus(), ids=lambda gpu: gpu.name)
def test_every_gpu_runs_bf16_and_only_blackwell_runs_nvfp4(gpu):
    assert "bf16" in gpu.precisions
    is_blackwell = gpu.vendor == "nvidia" and gpu.compute_capability.split(".")[0] in {"10", "12"}
    assert ("nvfp4" in gpu.precisions) == is_blackwell


@pytest.mark.parametrize("gpu", [gpu for gpu in gpus() if gpu.kind == "gpu"], ids=lambda gpu: gpu.name)
def test_labels_and_resources_follow_the_vendor(gpu):
    prefix = {"nvidia": "nvidia.com/", "amd": "amd.com/"}[gpu.vendor]
    assert gpu.resource_name == f"{prefix}gpu"
    assert gpu.node_label_key.startswith(prefix)
    assert gpu.product_labels == (gpu.product_label, *gpu.other_labels)
    assert all(re.fullmatch(r"(NVIDIA-|AMD_)[A-Za-z0-9_-]{1,55}", label) for label in gpu.product_labels)


def test_no_two_gpus_share_a_label():
    labels = [label for gpu in gpus() for label in gpu.product_labels]
    assert len(labels) == len(set(labels))


def test_the_processor_is_an_entry_that_any_node_serves():
    processor = find_gpu("cpu")
    assert (processor.kind, processor.node_label_key, processor.resource_name) == ("cpu", None, None)
    assert processor.product_labels == ()
    assert processor.precisions == ("bf16",)
    assert processor.with_memory(3 * 2**30).usable_memory_gib == 3


@pytest.mark.parametrize("gpu", gpus(), ids=lambda gpu: gpu.name)
def test_every_figure_has_a_source_with_its_certainty(gpu):
    assert set(gpu.sources) >= {"memory_mib", "usable_memory_bytes", "bandwidth_bytes_per_s", "arithmetic", "node_cpu"}
    assert all(source.text and source.certainty for source in gpu.sources.values())
