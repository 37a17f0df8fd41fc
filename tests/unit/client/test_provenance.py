import asyncio

import pytest

from qwen_infra.client import (
    ClusterFacts,
    Endpoint,
    InferenceClient,
    Provenance,
    ServerFacts,
    derive_provenance,
    fetch_provenance,
)
from tests.unit.client.scripted_server import ModelScript, serve_model

MODELS = {"data": [{"id": "qwen3.5", "root": "/models/x", "max_model_len": 262144}]}
GB200 = ClusterFacts(gpu_product="NVIDIA-GB200", simulated_nodes=False)
SIMULATED = ClusterFacts(gpu_product="NVIDIA-GB200", simulated_nodes=True)


def derive(version: object, cluster: ClusterFacts = GB200, models: object = MODELS) -> Provenance:
    return derive_provenance(ServerFacts(version=version, models=models), model="qwen3.5", cluster=cluster)


@pytest.mark.parametrize(
    ("version", "cluster", "kind", "simulated", "hardware"),
    [
        ({"version": "0.32.0"}, GB200, "gpu", False, "NVIDIA-GB200"),
        ({"version": "0.32.0", "simulated": True}, GB200, "simulator", True, "simulator"),
        ({"version": "0.32.0", "simulated": True}, SIMULATED, "simulator", True, "simulator"),
        ({"version": "0.32.0"}, SIMULATED, "cpu-miniature", True, "cpu"),
        ({"version": "0.32.0+cpu"}, GB200, "cpu-miniature", True, "cpu"),
        ({"version": "0.32.0+cpu"}, ClusterFacts(), "cpu-miniature", True, "cpu"),
        ({"version": "0.32.0+cpu"}, ClusterFacts(simulated_nodes=False), "cpu", False, "cpu"),
        ({"version": "0.32.0+cpu"}, ClusterFacts(simulated_nodes=True), "cpu-miniature", True, "cpu"),
        ({"version": "0.32.0"}, ClusterFacts(), "unknown", False, "unknown"),
        (None, GB200, "unknown", False, "unknown"),
        ("text", GB200, "unknown", False, "unknown"),
    ],
)
def test_what_answered_is_told_by_the_humblest_claim(version, cluster, kind, simulated, hardware):
    provenance = derive(version, cluster)
    assert (provenance.kind, provenance.simulated, provenance.hardware) == (kind, simulated, hardware)


def test_the_models_root_and_length_are_kept():
    provenance = derive({"version": "0.32.0"})
    assert (provenance.served_model_root, provenance.max_model_len) == ("/models/x", 262144)


@pytest.mark.parametrize(
    "models", [None, [], {"data": None}, {"data": [3, {"id": "other"}]}, {"data": [{"id": "qwen3.5"}]}]
)
def test_a_list_of_models_that_says_nothing_gives_no_value(models):
    provenance = derive({"version": "0.32.0"}, models=models)
    assert (provenance.served_model_root, provenance.max_model_len) == (None, None)


@pytest.mark.parametrize("kind", ["gpu", "unknown"])
def test_a_provenance_that_contradicts_itself_cannot_be_made(kind):
    with pytest.raises(ValueError, match="contradicts"):
        Provenance(kind=kind, simulated=True, hardware="x", description="x")


def test_the_server_is_asked():
    async def ask(url: str) -> Provenance:
        async with InferenceClient(Endpoint(url=url, model="qwen3.5")) as client:
            return await fetch_provenance(client, cluster=ClusterFacts())

    with serve_model(ModelScript(version={"version": "0.32.0", "simulated": True})) as url:
        assert asyncio.run(ask(url)).kind == "simulator"
