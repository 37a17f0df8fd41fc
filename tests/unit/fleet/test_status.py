"""What a stack runs and in which condition it is, from its state, its stack file and its pods."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from qwen_infra.cluster import Kubectl
from qwen_infra.errors import EnvironmentMissingError
from qwen_infra.fleet import Seen, StackStatus, look_at_pods, read_all
from qwen_infra.fleet.running import judge_pods
from qwen_infra.fleet.state import read_state
from qwen_infra.planning import DeploymentPlan, make_plans
from qwen_infra.settings import load_stack_deployments
from tests.unit.fleet.exports import export_of

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
STACKS = ("gb200", "h100-2node", "staging-eu")
PLANS = {name: make_plans(load_stack_deployments(ROOT, name), name)[0] for name in STACKS}
GB200 = PLANS["gb200"]
NOTHING = Seen()
Look = Callable[..., StackStatus]


def server_of(plan: DeploymentPlan) -> Any:
    (server,) = read_state(plan.stack, export_of(plan)).servers
    return server


def pods_of(plan: DeploymentPlan) -> list[dict[str, Any]]:
    manifest = server_of(plan).manifest
    spec = manifest["spec"]
    group = spec.get("leaderWorkerTemplate", {})
    templates = [spec["template"]] if "template" in spec else [group["leaderTemplate"], group["workerTemplate"]]
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    return [
        {
            "metadata": {**each["metadata"], "namespace": "qwen", "name": f"p{at}"},
            "spec": deepcopy(each["spec"]),
            "status": deepcopy(ready),
        }
        for at, each in enumerate(templates)
    ]


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    """The status of gb200, with an answer of Pulumi's and a look at its pods."""
    document = yaml.safe_load((ROOT / "Pulumi.gb200.yaml").read_text("utf-8"))

    def look(export: Any, seen: Seen | Exception = NOTHING, **changes: Any) -> StackStatus:
        document["config"] |= {f"qwen-infra:{key}": value for key, value in changes.items()}
        (tmp_path / "Pulumi.gb200.yaml").write_text(yaml.safe_dump(document), "utf-8")

        def answer(_stack: str, _folder: Path) -> Any:
            if isinstance(export, Exception):
                raise export
            return export

        def compare(*_: object) -> Seen:
            if isinstance(seen, Exception):
                raise seen
            return seen

        monkeypatch.setattr("qwen_infra.fleet.status.export_stack", answer)
        (found,) = read_all(["gb200"], tmp_path, compare, NOW, 30)
        return found

    return look


def test_a_state_tells_model_revision_image_and_the_last_checks() -> None:
    server = server_of(GB200)
    assert server.plan["checkpoint"] == "Qwen/Qwen3.5-397B-A17B-GPTQ-Int4@main"
    assert (server.image, server.namespace) == ("vllm/vllm-openai:v0.32.0", "qwen")
    assert (server.verification.passed, server.verification.simulated) == (True, True)
    assert server.benchmark.result == "benchmark-20261124T070000.000000Z-0a1b2c3d.json"


def test_a_group_over_several_nodes_is_read_as_a_deployment_is() -> None:
    assert server_of(PLANS["h100-2node"]).image == PLANS["h100-2node"].server.image


def green(export: Any, *, serves: bool) -> Any:
    """A second generation beside the first, of which the verification failed, or the only one, which serves."""
    name = GB200.server.name
    resources = export["deployment"]["resources"]
    parts = ("-deployment", "-readiness", "-endpoint-verification", "-endpoint-benchmark")
    others = deepcopy([each for each in resources if each["urn"].endswith(parts)])
    for each in others:
        each["urn"] += "-green"
        if "inputs" in each:
            each["inputs"]["metadata"]["name"] = f"{name}-green"
    if serves:
        resources[:] = [each for each in resources if not each["urn"].endswith(parts)]
    else:
        others[2]["outputs"] |= {"passed": False, "summary": "verification failed"}
    service = {"urn": f"urn:pulumi:s::p::t::{name}-endpoint-service", "type": "kubernetes:core/v1:Service"}
    service["inputs"] = {"spec": {"selector": {"app": f"{name}-green" if serves else name}}}  # type: ignore[assignment]
    resources += [*others, service]
    return export


def test_a_second_generation_that_serves_is_the_one_that_is_read(look: Look) -> None:
    found = look(green(export_of(GB200), serves=True))
    (server,) = found.state.servers
    assert (found.condition, server.generation) == ("ok", "vllm-qwen35-397b-green")
    assert server.verification is not None


def test_a_second_generation_that_failed_beside_the_first_is_a_failure(look: Look) -> None:
    found = look(green(export_of(GB200), serves=False))
    (server,) = found.state.servers
    assert (found.condition, server.generation) == ("failed", "vllm-qwen35-397b")
    assert found.reasons == ("vllm-qwen35-397b: verification failed",)


def test_what_runs_as_deployed_is_ok(look: Look) -> None:
    found = look(export_of(GB200))
    assert (found.condition, found.reasons, found.cluster) == ("ok", (), "gb200-pod2")


def test_a_stack_that_the_backend_does_not_know_is_not_deployed(look: Look) -> None:
    found = look(None)
    assert found.condition == "absent"
    assert found.reasons == ("never deployed. To deploy it: pulumi stack init gb200, then pulumi up --stack gb200",)


def test_a_stack_that_was_destroyed_is_not_deployed(look: Look) -> None:
    assert look({"version": 3, "deployment": {"manifest": {"time": "x"}}}).condition == "absent"


def test_weights_that_did_not_arrive_are_the_reason(look: Look) -> None:
    found = look(export_of(GB200, failed="weights", without=("readiness", "verification", "benchmark")))
    assert (found.condition, found.reasons) == ("failed", ("vllm-qwen35-397b: weights failed",))


@pytest.mark.parametrize("check", ["readiness", "verification", "benchmark"])
def test_a_failed_check_makes_the_stack_failed(check: str, look: Look) -> None:
    found = look(export_of(GB200, failed=check))
    assert (found.condition, found.reasons) == ("failed", (f"vllm-qwen35-397b: {check} failed",))


def test_a_server_that_never_became_ready_is_failed(look: Look) -> None:
    found = look(export_of(GB200, without=("readiness", "verification", "benchmark")))
    assert (found.condition, found.reasons) == (
        "failed",
        ("vllm-qwen35-397b: the deployment ended before the server was ready",),
    )


def test_an_interrupted_update_is_told_with_its_resource(look: Look) -> None:
    export = export_of(GB200)
    resource = export["deployment"]["resources"].pop()
    export["deployment"]["pending_operations"] = [{"resource": resource, "type": "creating"}]
    found = look(export)
    assert found.condition == "failed"
    assert found.reasons == (
        "interrupted while creating vllm-qwen35-397b-endpoint-benchmark: run pulumi up --stack gb200",
    )


def test_an_interrupted_creation_that_a_later_update_made_up_for_is_none(look: Look) -> None:
    export = export_of(GB200)
    resource = export["deployment"]["resources"][-1]
    export["deployment"]["pending_operations"] = [{"resource": resource, "type": "creating"}]
    assert look(export).condition == "ok"


def test_a_stack_file_that_asks_for_something_else_is_behind_and_says_what(look: Look) -> None:
    found = look(export_of(GB200), server={"gpu": "GB200", "tensorParallelSize": 4, "name": "vllm-qwen35-397b"})
    assert found.condition == "behind"
    (reason,) = found.reasons
    assert reason.startswith("the stack file changes ")
    assert reason.endswith(" of vllm-qwen35-397b: run pulumi up --stack gb200")


def test_a_server_that_is_new_in_the_stack_file_is_told(look: Look) -> None:
    found = look(export_of(GB200), server={"gpu": "GB200", "tensorParallelSize": 4, "name": "another"})
    assert found.condition == "behind"
    assert found.reasons == (
        "another is in the stack file and not deployed: run pulumi up --stack gb200",
        "vllm-qwen35-397b is deployed and not in the stack file: run pulumi up --stack gb200",
    )


def test_a_difference_in_the_cluster_is_drift(look: Look) -> None:
    changed = pods_of(GB200)
    changed[0]["spec"]["containers"][0]["image"] = "vllm/vllm-openai:v0.31.0"
    found = look(export_of(GB200), Seen(tuple(judge_pods(server_of(GB200), changed, "gb200"))))
    assert (found.condition, found.differences[0].found) == ("drifted", "vllm/vllm-openai:v0.31.0")


def test_a_check_of_long_ago_is_drift(look: Look) -> None:
    found = look(export_of(GB200, moment="20260901T070000.000000Z-0a1b2c3d"))
    assert (found.condition, {each.kind for each in found.differences}) == ("drifted", {"age"})


def test_a_cluster_that_does_not_answer_leaves_what_the_state_says(look: Look) -> None:
    found = look(export_of(GB200), EnvironmentMissingError("the cluster cannot be reached"))
    assert (found.condition, found.reasons) == ("unreachable", ("the cluster cannot be reached",))
    assert found.state.servers


def test_a_state_that_cannot_be_read_is_a_row_that_says_why(look: Look) -> None:
    found = look(EnvironmentMissingError("the state cannot be read", where="stack gb200"))
    assert (found.condition, found.reasons) == ("unreadable", ("stack gb200: the state cannot be read",))


def test_a_wrong_stack_file_is_a_row_that_says_why_and_shows_the_state(look: Look) -> None:
    found = look(export_of(GB200), model={"name": "Qwen3.5-398B", "precision": "bf16"})
    assert found.condition == "unreadable"
    assert "Qwen3.5-398B" in found.reasons[0]
    assert (found.cluster, len(found.state.servers)) == ("gb200-pod2", 1)


@pytest.mark.parametrize("stack", STACKS)
def test_pods_as_deployed_differ_in_nothing(stack: str) -> None:
    assert judge_pods(server_of(PLANS[stack]), pods_of(PLANS[stack]), stack) == []


def test_a_pod_that_is_not_ready_is_a_difference_with_the_command_that_looks() -> None:
    pods = pods_of(GB200)
    pods[0]["status"]["conditions"] = []
    (found,) = judge_pods(server_of(GB200), pods, "gb200")
    assert (found.expected, found.found) == ("1", "0")
    assert "kubectl --namespace qwen describe pods --selector=app=vllm-qwen35-397b" in (found.mend or "")


def test_an_autoscaler_decides_how_many_pods_there_are() -> None:
    server = server_of(GB200)
    del server.manifest["spec"]["replicas"]
    assert judge_pods(server, pods_of(GB200), "gb200") == []


def test_the_digest_that_pods_run_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pods = pods_of(GB200)
    pods[0]["status"]["containerStatuses"] = [{"name": "vllm", "imageID": "docker.io/vllm/vllm-openai@sha256:abc"}]
    monkeypatch.setattr(Kubectl, "items", lambda *_: pods)
    seen = look_at_pods([GB200], read_state("gb200", export_of(GB200)))
    assert (seen.differences, seen.digests) == ((), {"vllm-qwen35-397b": "sha256:abc"})


def test_an_export_is_what_json_gives_back() -> None:
    assert read_state("gb200", json.loads(json.dumps(export_of(GB200)))).servers == (server_of(GB200),)
