"""Finding a model or a GPU by any of its names, and the messages when there is none."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import qwen_infra.catalog
from qwen_infra.catalog import UnknownGpuError, UnknownModelError, find_gpu, find_model, gpus, models
from qwen_infra.errors import ConfigurationError


@pytest.mark.parametrize(
    "name",
    [
        "Qwen3.5-397B-A17B",
        "qwen3.5-397b-a17b",
        " Qwen3.5-397B-A17B ",
        "Qwen/Qwen3.5-397B-A17B",
        "Qwen/Qwen3.5-397B-A17B-GPTQ-Int4",
        "Qwen3.5-397B-A17B-FP8",
        "nvidia/Qwen3.5-397B-A17B-NVFP4",
    ],
)
def test_a_model_is_found_by_every_name_that_people_use(name):
    assert find_model(name).name == "Qwen3.5-397B-A17B"


def test_a_base_model_is_an_entry_of_its_own():
    assert find_model("Qwen/Qwen3.5-4B-Base").is_base


@pytest.mark.parametrize("name", ["GB200", "gb200", "NVIDIA-GB200"])
def test_a_gpu_is_found_by_its_name_and_by_its_node_label(name):
    assert find_gpu(name).name == "GB200"


@pytest.mark.parametrize("name", ["Qwen3.5-397B-A17", "Qwen3.5_397B_A17B_", "qwen3.5-397ba17b"])
def test_an_unknown_model_is_answered_with_the_nearest_name(name):
    with pytest.raises(UnknownModelError, match=r"Qwen3\.5-397B-A17B") as caught:
        find_model(name)
    assert caught.value.where == "qwen-infra:model.name"


@pytest.mark.parametrize("name", ["GB-200", "NVIDIA-GB20", "gb2000"])
def test_an_unknown_gpu_is_answered_with_the_nearest_name(name):
    with pytest.raises(UnknownGpuError, match="GB200") as caught:
        find_gpu(name)
    assert caught.value.where == "qwen-infra:server.gpu"


@given(st.text(max_size=40))
def test_any_other_name_is_a_configuration_error_with_names_that_exist(name):
    with pytest.raises(ConfigurationError) as caught:
        find_model(f"no such model {name}")
    assert (caught.value.exit_code, bool(caught.value.expected)) == (2, True)


def test_models_and_gpus_are_read_once():
    assert models() is models()
    assert gpus() is gpus()


def test_names_are_unique():
    for entries in (models(), gpus()):
        names = [entry.name for entry in entries]
        assert len(names) == len(set(names))


def test_the_public_names_are_sorted_and_exist():
    assert qwen_infra.catalog.__all__ == sorted(qwen_infra.catalog.__all__)
    assert all(hasattr(qwen_infra.catalog, name) for name in qwen_infra.catalog.__all__)


def test_neither_pulumi_nor_the_hub_is_imported_with_catalogue_and_sizing():
    code = (
        "import sys, qwen_infra.catalog, qwen_infra.sizing; qwen_infra.catalog.models(); "
        "sys.exit(any(name.split('.')[0] in {'pulumi', 'huggingface_hub', 'yaml', 'rich'} for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=240).returncode == 0
