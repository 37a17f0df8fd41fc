"""The status that readiness tools read, as a kubelet would write it."""

from datetime import UTC, datetime
from typing import Any

from qwen_infra.local.agent.pod_status import ContainerFacts, RunFacts, Termination, build_job_status, build_status
from qwen_infra.local.agent.pods import ContainerPod, ServerPod, find_download_pod, find_server_pod

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


def job_pod() -> ContainerPod:
    found = find_download_pod(
        {
            "metadata": {"uid": "u", "name": "p", "namespace": "n"},
            "spec": {"containers": [{"name": "download", "command": ["python3", "/opt/download.py"]}]},
            "status": {
                "phase": "Pending",
                "podIP": "10.244.0.1",
                "containerStatuses": [{"name": "download", "image": "i", "state": {}}],
            },
        }
    )
    assert found is not None
    return found


def test_a_download_that_failed_fails_its_pod_with_exit_code_and_message():
    status = build_job_status(job_pod(), RunFacts(ended=Termination(10, START, START, "no such revision")))["status"]
    (container,) = status["containerStatuses"]
    ended = container["state"]["terminated"]
    assert status["phase"] == "Failed"
    assert (ended["exitCode"], ended["reason"], ended["message"]) == (10, "Error", "no such revision")


def test_a_download_that_is_complete_ends_its_pod():
    status = build_job_status(job_pod(), RunFacts(ended=Termination(0, START, START)))["status"]
    assert status["phase"] == "Succeeded"
    assert status["containerStatuses"][0]["state"]["terminated"]["reason"] == "Completed"


def test_a_download_that_waits_for_its_secret_keeps_its_pod_pending():
    facts = RunFacts(waiting_reason="CreateContainerConfigError", waiting_message='secret "hub" not found')
    status = build_job_status(job_pod(), facts)["status"]
    assert status["phase"] == "Pending"
    assert status["containerStatuses"][0]["state"]["waiting"]["message"] == 'secret "hub" not found'
