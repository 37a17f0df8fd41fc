"""CPU and memory of a server."""

from typing import Any

import pytest

from qwen_infra.catalog import find_gpu
from qwen_infra.errors import ConfigurationError
from qwen_infra.planning.resources import plan_resources, read_gib
from qwen_infra.settings import ResourceSettings, ServerSettings


def resources(gpu: str = "GB200", gpus: int = 4, **server: Any) -> ResourceSettings:
    return plan_resources(ServerSettings.model_validate({"gpu": gpu, **server}), find_gpu(gpu), gpus)


def test_four_gb200_get_what_the_reference_gave_them() -> None:
    found = resources()
    assert (found.cpu_request, found.cpu_limit) == ("16", "32")
    assert (found.memory_request, found.memory_limit, found.shared_memory) == ("200Gi", "400Gi", "64Gi")


def test_a_small_node_is_never_asked_for_more_than_the_gpus_share() -> None:
    found = resources("RTX-4090", 1)
    assert read_gib(found.memory_limit) <= 256 / 4


def test_offloaded_cache_is_counted() -> None:
    assert resources(kvOffloadingGib=100).memory_limit == "500Gi"


def test_what_the_stack_file_says_stays() -> None:
    assert resources(resources={"memoryLimit": "300Gi"}).memory_limit == "300Gi"


def test_a_limit_that_shared_memory_fills_is_refused_with_the_least_one() -> None:
    with pytest.raises(ConfigurationError, match=r"memoryLimit.*found 64Gi, expected at least 69Gi"):
        resources(resources={"memoryLimit": "64Gi", "sharedMemory": "64Gi"})


@pytest.mark.parametrize(("text", "gib"), [("64Gi", 64), ("1024Mi", 1), ("2Ti", 2048)])
def test_quantities_are_read(text: str, gib: float) -> None:
    assert read_gib(text) == gib
