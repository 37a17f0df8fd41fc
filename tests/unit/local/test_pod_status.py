"""The status that readiness tools read, as a kubelet would write it."""

from datetime import UTC, datetime
from typing import Any

from qwen_infra.local.agent.pod_status import ContainerFacts, Termination, build_status
from qwen_infra.local.agent.pods import ServerPod, find_server_pod

START = datetime(2026, 11, 1, tzinfo=UTC)
OLD = "2026-10-01T00:00:00Z"


def pod(*, phase: str = "Pending", ready: str = "False") -> ServerPod:
    found = find_server_pod(
        {
            "metadata": {"uid": "u", "name": "p", "namespace": "n"},
            "spec": {
                "readinessGates": [{"conditionType": "gate"}],
                "containers": [{"name": "vllm", "command": ["vllm", "serve", "/m"]}, {"name": "exporter"}],
            },
            "status": {
                "phase": phase,
                "podIP": "10.244.0.1",
                "conditions": [
                    {"type": "PodScheduled", "status": "True"},
                    {"type": "Ready", "status": ready, "lastTransitionTime": OLD},
                ],
                "containerStatuses": [
                    {"name": name, "image": "i", "state": {"waiting": {"reason": "ContainerCreating"}}}
                    for name in ("vllm", "exporter")
                ],
            },
        }
    )
    assert found is not None
    return found


def build(facts: ContainerFacts, **given: str) -> Any:
    return build_status(pod(**given), facts)["status"]


def condition(status: Any, kind: str) -> Any:
    return next(item for item in status["conditions"] if item["type"] == kind)


def test_a_started_server_is_running_but_not_ready():
    status = build(ContainerFacts(False, 0, START))
    assert status["phase"] == "Running"
    assert condition(status, "Ready")["status"] == "False"
    assert condition(status, "Ready")["reason"] == "ContainersNotReady"


def test_a_healthy_server_is_ready_in_every_condition():
    status = build(ContainerFacts(True, 0, START))
    assert [condition(status, kind)["status"] for kind in ("Ready", "ContainersReady", "gate")] == ["True"] * 3


def test_conditions_of_others_are_kept():
    assert condition(build(ContainerFacts(True, 0, START)), "PodScheduled")["status"] == "True"


def test_the_transition_time_moves_only_with_the_status():
    assert condition(build(ContainerFacts(True, 0, START), ready="True"), "Ready")["lastTransitionTime"] == OLD
    assert condition(build(ContainerFacts(True, 0, START), ready="False"), "Ready")["lastTransitionTime"] != OLD


def test_a_waiting_server_says_why_and_stays_pending():
    facts = ContainerFacts(False, 0, waiting_reason="CreateContainerConfigError", waiting_message="no secret")
    status = build(facts)
    assert status["phase"] == "Pending"
    assert status["containerStatuses"][0]["state"] == {
        "waiting": {"reason": "CreateContainerConfigError", "message": "no secret"}
    }


def test_a_crashed_server_tells_its_exit_code_and_stays_running():
    facts = ContainerFacts(False, 2, waiting_reason="CrashLoopBackOff", last=Termination(1, START, START))
    status = build(facts, phase="Running")
    container = status["containerStatuses"][0]
    assert (status["phase"], container["restartCount"]) == ("Running", 2)
    assert container["lastState"]["terminated"]["exitCode"] == 1


def test_other_containers_of_the_pod_are_up_when_the_server_runs():
    assert build(ContainerFacts(False, 0, START))["containerStatuses"][1]["ready"] is True
