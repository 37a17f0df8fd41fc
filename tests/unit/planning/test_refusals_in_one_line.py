"""Bad input of a server, each told at preview in one line that names its key and the command that mends it."""

from typing import Any

import pytest

from qwen_infra.cluster.facts import ClusterFacts, Node
from qwen_infra.errors import QwenInfraError
from qwen_infra.planning import make_plan
from qwen_infra.preflight import check_preflight
from qwen_infra.settings import load_settings

NODE = Node("h100", {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"}, {"nvidia.com/gpu": "8"})
TWO_NODES = {"tensorParallelSize": 8, "pipelineParallelSize": 2, "nodes": 2}


def refusal(served_kinds: frozenset[tuple[str, str]] | None = None, **changes: Any) -> str:
    raw: dict[str, Any] = {
        "cluster": {"identifier": "test"},
        "model": {"name": "Qwen3.5-397B-A17B", "precision": "gptq-int4"},
        "cache": {"kind": "hostPath", "download": False},
        "endpoint": changes.pop("endpoint", {}),
        "server": {"gpu": "H100", "tensorParallelSize": 8, "maxModelLen": 32768, **changes},
    }
    with pytest.raises(QwenInfraError) as caught:
        preview(raw, ClusterFacts((NODE,), served_kinds=served_kinds))
    return str(caught.value)


def preview(raw: dict[str, Any], facts: ClusterFacts) -> None:
    plan = make_plan(load_settings({f"qwen-infra:{key}": value for key, value in raw.items()}))
    check_preflight(plan, facts, stack="test")


@pytest.mark.parametrize(
    ("changes", "key", "told"),
    [
        (
            {"extraArgs": ["--max-model-len 8192"]},
            "server.extraArgs",
            "--max-model-len is decided by qwen-infra:server",
        ),
        ({"extraArgs": ["--enable-lora", "-tp 4"]}, "server.extraArgs", "--tensor-parallel-size is decided by"),
        ({"extraArgs": ["--tensor-paralel 2"]}, "server.extraArgs", "--tensor-parallel-size"),
        ({"maxModelLen": 300000}, "server.maxModelLen", "or 1010000 with the long-context setting"),
        ({"tensorParallelSize": 16}, "server.tensorParallelSize", "spread a replica over several nodes with"),
        (TWO_NODES | {"served_kinds": frozenset()}, "server.nodes", "no LeaderWorkerSet (leaderworkerset.x-k8s.io/v1)"),
        ({"name": "v" * 40}, "server.name", "39"),
        ({"endpoint": {"serviceName": "s" * 64}}, "endpoint.serviceName", "63"),
        ({"endpoint": {"serviceName": "vllm"}}, "endpoint.serviceName", "breaks the server through the VLLM_PORT"),
        ({"endpoint": {"port": 29501}}, "endpoint.port", "port 29501 is reserved"),
        ({"endpoint": {"port": 80}}, "endpoint.port", "port 80 is reserved"),
    ],
)
def test_it_is_one_line_that_names_the_key_and_the_remedy(changes: dict[str, Any], key: str, told: str) -> None:
    line = refusal(**changes)
    assert "\n" not in line
    assert line.startswith(f"qwen-infra:{key}")
    assert told in line
    assert "To mend it: " in line
