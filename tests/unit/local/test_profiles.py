"""The simulated machines."""

from typing import Any

import pytest

from qwen_infra.catalog import gpus
from qwen_infra.errors import ConfigurationError
from qwen_infra.local.profiles import PROFILES, build_nodes, find_profile


def nodes(name: str) -> list[Any]:
    return build_nodes(find_profile(name))


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_makes_nodes_marked_as_simulated(name: str):
    assert all(node["metadata"]["labels"]["qwen-infra.dev/simulated"] == "true" for node in nodes(name))


def test_the_reference_profile_is_one_tray_with_four_gpus():
    (node,) = nodes("gb200")
    assert node["metadata"]["name"] == "gb200-pod2-f06-node05"
    assert node["status"]["allocatable"]["nvidia.com/gpu"] == "4"
    assert node["metadata"]["labels"]["nvidia.com/gpu.memory"] == "189471"


def test_a_cpu_node_has_no_gpus():
    (node,) = nodes("cpu")
    assert not any(key.endswith("/gpu") for key in node["status"]["allocatable"])


@pytest.mark.parametrize("gpu", [gpu.name for gpu in gpus()])
def test_any_gpu_of_the_catalogue_makes_as_many_nodes_as_asked(gpu: str):
    made = nodes(f"{gpu}:3")
    assert len({node["metadata"]["name"] for node in made}) == 3


def test_an_amd_node_offers_amd_gpus_under_amd_labels():
    (node,) = nodes("MI300X:1")
    assert "amd.com/gpu" in node["status"]["allocatable"]
    assert not any(key.startswith("nvidia.com") for key in node["metadata"]["labels"])


@pytest.mark.parametrize("name", ["", "gb300-nope", "GB200:0", "GB200:-1", "GB200:x", "NoSuchGpu:2"])
def test_an_unknown_profile_is_refused_with_the_flag_that_names_it(name: str):
    with pytest.raises(ConfigurationError, match="--profile"):
        find_profile(name)
