"""Our command lines and our snapshot of the flags against vLLM 0.32's own parser."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from qwen_infra.catalog import find_model, gpus, models
from qwen_infra.errors import ConfigurationError
from qwen_infra.manifests import render_objects
from qwen_infra.manifests.server import pod_templates
from qwen_infra.planning import DeploymentPlan, make_plan, make_plans
from qwen_infra.planning.server_arguments import list_flags
from qwen_infra.settings import load_settings, load_stack_deployments
from qwen_infra.vllm_flags import REMOVED_FLAGS, check_command_line
from tests.contract.flags_snapshot import SNAPSHOT, render_snapshot
from tests.contract.interpreter import ROOT, VllmInterpreter

DRAWN = 400
SEED = 32
ENGINE_NAMES = {
    "tensor_parallel_size": "tensor_parallel_size",
    "gpu_memory_utilization": "gpu_memory_utilization",
    "kv_cache_memory_bytes": "kv_cache_memory_bytes",
    "max_model_len": "max_model_len",
    "max_num_seqs": "max_num_seqs",
    "prefix_caching": "enable_prefix_caching",
    "text_only": "language_model_only",
    "quantization": "quantization",
    "kv_offloading_gib": "kv_offloading_size",
    "shutdown_timeout_s": "shutdown_timeout",
    "speculative": "speculative_config",
    "hf_overrides": "hf_overrides",
    "generation_config": "override_generation_config",
    "enforce_eager": "enforce_eager",
    "pipeline_parallel_size": "pipeline_parallel_size",
    "data_parallel_size": "data_parallel_size",
    "expert_parallel": "enable_expert_parallel",
    "nnodes": "nnodes",
    "port": "port",
    "tool_call_parser": "tool_call_parser",
    "chat_template_kwargs": "default_chat_template_kwargs",
}
"""Our field to vLLM's attribute, where both hold the same value; None with us is vLLM's default."""
SPLITS: tuple[dict[str, Any], ...] = (
    {"pipelineParallelSize": 2, "nodes": 2},
    {"tensorParallelSize": 8, "pipelineParallelSize": 2, "nodes": 2},
    {"tensorParallelSize": 16, "nodes": 2},
    {"tensorParallelSize": 8, "nodes": 2, "computeDomain": True},
    {"tensorParallelSize": 1, "dataParallelSize": 8, "expertParallel": True, "nodes": 2},
    {"tensorParallelSize": 1, "dataParallelSize": 4, "expertParallel": True},
    {"tensorParallelSize": 4, "dataParallelSize": 2, "expertParallel": True},
)
"""Ways of spreading a server, over one node and several."""
REFUSED_LINES = (
    "--tensor-paralel-size 4",
    "--kv-cache-dtype fp9",
    "--seed many",
    "--max-num-batched-tokens 8.5K",
    "--seed",
    "--seed 1 2",
    "--enforce-eager true",
    "--speculative-config mtp",
    "--moe-backend nothing",
)
ACCEPTED_LINES = (
    "--seed=-1",
    "--max_num_seqs 8",
    "-tp 4",
    "-O3",
    "--max-model-len 32k",
    "--max-model-len auto",
    "--max-num-batched-tokens 8K",
    "--moe-backend Flashinfer-Cutlass",
    "--compilation-config.mode 3",
    "--revision None",
    "--uvicorn-log-level=info",
)


def stacks() -> list[str]:
    return sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml"))


def draw_plans(draw: random.Random) -> list[DeploymentPlan]:
    """Plans of drawn stack files; a combination that is refused is drawn again."""
    found: list[DeploymentPlan] = []
    while len(found) < DRAWN:
        config = {f"qwen-infra:{key}": value for key, value in draw_stack(draw).items()}
        try:
            found.append(make_plan(load_settings(config)))
        except ConfigurationError:
            continue
    return found


def draw_stack(draw: random.Random) -> dict[str, Any]:
    model = find_model(draw.choice([model.name for model in models()]))
    server: dict[str, Any] = {
        "gpu": draw.choice([gpu.name for gpu in gpus()]),
        "tensorParallelSize": draw.choice([1, 2, 4, 8]),
        "maxModelLen": draw.choice([4096, 32768, 262144, 300000, 1010000]),
        "longContext": draw.random() < 0.5,
        "gpuMemoryUtilization": round(draw.uniform(0.5, 0.95), 3),
        "prefixCaching": draw.random() < 0.5,
        "thinking": draw.random() < 0.7,
        "tools": draw.random() < 0.7,
        "textOnly": draw.random() < 0.3,
        "encoderDataParallel": draw.random() < 0.2,
        "mtpTokens": draw.choice([0, 0, 1, 2, 3]),
        "kvCacheDtype": draw.choice(["auto", "fp8", "fp8_e4m3", "bfloat16", "nvfp4"]),
        "stateDtype": draw.choice(["auto", "float32", "bfloat16"]),
        "enforceEager": draw.random() < 0.2,
        "longestAnswerTokens": draw.choice([1, 4096, 100000]),
    }
    if draw.random() < 0.3:
        server |= draw.choice(SPLITS)
    optional: dict[str, Any] = {
        "thinkingByDefault": draw.random() < 0.5,
        "kvOffloadingGib": draw.choice([1, 64, 12.5]),
        "quantization": "moe_wna16",
        "maxNumBatchedTokens": draw.choice([2048, 16384]),
        "samplingDefaults": {"preset": "thinking", "topK": 40, "maxNewTokens": 32768},
        "extraArgs": ["--seed 7 --uvicorn-log-level=info", "--mm-processor-cache-gb 8"],
    }
    server |= {key: value for key, value in optional.items() if draw.random() < 0.25}
    return {
        "cluster": {"identifier": "drawn"},
        "model": {"name": model.name, "precision": draw.choice(model.precisions)},
        "server": server,
    }


@pytest.fixture(scope="module")
def plans() -> list[DeploymentPlan]:
    named = [plan for stack in stacks() for plan in make_plans(load_stack_deployments(ROOT, stack), stack)]
    return named + draw_plans(random.Random(SEED))


@pytest.fixture(scope="module")
def parsed(vllm: VllmInterpreter, plans: list[DeploymentPlan]) -> list[dict[str, Any]]:
    """The real parser's answer to every plan's command line, then to the lines above and the removed flags."""
    lines = [list(plan.server.arguments.command()[1:]) for plan in plans]
    lines += [["serve", "model", *line.split()] for line in (*ACCEPTED_LINES, *REFUSED_LINES)]
    lines += [["serve", "model", flag, "1"] for flag in REMOVED_FLAGS]
    answers: list[dict[str, Any]] = vllm.call("arguments", {"lines": lines, "wanted": sorted(ENGINE_NAMES.values())})
    return answers


def test_every_stack_of_the_repository_is_among_the_plans(plans: list[DeploymentPlan]) -> None:
    assert len(plans) >= DRAWN + len(stacks()) > DRAWN


def test_the_real_parser_accepts_every_command_line(plans: list[DeploymentPlan], parsed: list[dict[str, Any]]) -> None:
    refused = [
        (plan.server.arguments.command(), answer["refused"])
        for plan, answer in zip(plans, parsed, strict=False)
        if "refused" in answer
    ]
    assert refused == []


def test_the_engine_gets_the_values_that_the_plan_holds(
    plans: list[DeploymentPlan], parsed: list[dict[str, Any]]
) -> None:
    for plan, answer in zip(plans, parsed, strict=False):
        ours = {name: getattr(plan.server.arguments, name) for name in ENGINE_NAMES}
        theirs = {name: answer["arguments"][engine] for name, engine in ENGINE_NAMES.items()}
        said = {name: value for name, value in ours.items() if value is not None}
        assert {name: theirs[name] for name in said} == said, plan.server.arguments.command()


def test_every_flag_of_ours_was_among_the_drawn_ones(plans: list[DeploymentPlan]) -> None:
    written = {word for plan in plans for word in plan.server.arguments.command() if word.startswith("--")}
    assert {flag.name for flag in list_flags().values()} - written == set()


def test_servers_over_several_nodes_were_drawn_in_every_way_that_they_can_be_split(plans: list[DeploymentPlan]) -> None:
    several = [plan.server.arguments for plan in plans[len(stacks()) :] if plan.server.nodes_per_replica > 1]
    assert len(several) >= 10
    assert any((arguments.pipeline_parallel_size or 1) > 1 for arguments in several)
    assert any((arguments.data_parallel_size or 1) > 1 and arguments.expert_parallel for arguments in several)


def test_the_real_parser_accepts_the_command_lines_of_leaders_and_workers(
    vllm: VllmInterpreter, plans: list[DeploymentPlan]
) -> None:
    commands = [command for plan in plans if plan.server.nodes_per_replica > 1 for command in group_commands(plan)]
    answers = vllm.call("arguments", {"lines": commands, "wanted": ["headless", "node_rank", "nnodes", "master_port"]})
    refused = [(line, answer["refused"]) for line, answer in zip(commands, answers, strict=True) if "refused" in answer]
    assert refused == []
    for line, answer in zip(commands, answers, strict=True):
        found = answer["arguments"]
        assert found["headless"] == (found["node_rank"] > 0), line
        assert found["nnodes"] > found["node_rank"], line


def group_commands(plan: DeploymentPlan) -> list[list[str]]:
    """What vLLM is called with in the pods of a group, with Kubernetes' variables expanded as its controller would."""
    (group,) = [item for item in render_objects(plan) if item["kind"] == "LeaderWorkerSet"]
    found = []
    for rank, template in enumerate(pod_templates(group)):
        words = template["spec"]["containers"][0]["command"][1:]
        values = {"$(LWS_WORKER_INDEX)": str(rank), "$(LWS_LEADER_ADDRESS)": "leader.group.namespace"}
        found.append([values.get(word, word) for word in words])
    return found


def test_the_snapshots_check_agrees_with_the_parser(plans: list[DeploymentPlan], parsed: list[dict[str, Any]]) -> None:
    lines = (*ACCEPTED_LINES, *REFUSED_LINES)
    for line, answer in zip(lines, parsed[len(plans) :], strict=False):
        assert accepts(line) == ("refused" not in answer), (line, answer)


def test_removed_flags_are_refused_by_the_real_parser(parsed: list[dict[str, Any]]) -> None:
    answers = dict(zip(REMOVED_FLAGS, parsed[-len(REMOVED_FLAGS) :], strict=True))
    told = {flag: answer.get("refused", "accepted") for flag, answer in answers.items()}
    assert {flag: text for flag, text in told.items() if "unrecognized arguments" not in text} == {}


def test_the_snapshot_is_fresh(vllm: VllmInterpreter) -> None:
    assert Path(SNAPSHOT).read_text("utf-8") == render_snapshot(vllm.call("flags", {})), "run `make vllm-flags`"


def accepts(line: str) -> bool:
    try:
        check_command_line(line.split(), where="here")
    except ConfigurationError:
        return False
    return True


def test_a_mapping_reaches_the_engine_as_it_was_meant(
    plans: list[DeploymentPlan], parsed: list[dict[str, Any]]
) -> None:
    made = [(plan, answer) for plan, answer in zip(plans, parsed, strict=False) if plan.server.arguments.hf_overrides]
    assert made
    for plan, answer in made:
        assert answer["arguments"]["hf_overrides"] == json.loads(json.dumps(plan.server.arguments.hf_overrides))
