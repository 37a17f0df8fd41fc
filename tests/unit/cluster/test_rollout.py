"""What the state of a Deployment and its pods means."""

from typing import Any

import pytest

from qwen_infra.cluster.rollout import Trouble, judge_rollout


def deployment(wanted: int = 1, **status: int) -> dict[str, Any]:
    return {"metadata": {"generation": 2}, "spec": {"replicas": wanted}, "status": {"observedGeneration": 2, **status}}


def pod(name: str = "server-0", **changes: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {}, "status": {"phase": "Pending", **changes}}


def container(**state: Any) -> dict[str, Any]:
    return {"containerStatuses": [{"state": {}, "restartCount": 0, **state}]}


def test_all_replicas_ready_is_ready() -> None:
    assert judge_rollout(deployment(2, replicas=2, readyReplicas=2, updatedReplicas=2), []).kind == "ready"


def test_a_generation_that_the_controller_has_not_seen_is_not_ready() -> None:
    seen = deployment(1, replicas=1, readyReplicas=1, updatedReplicas=1)
    seen["status"]["observedGeneration"] = 1
    assert judge_rollout(seen, []).kind == "waiting"


def test_ready_pods_of_the_old_generation_are_not_ready() -> None:
    assert judge_rollout(deployment(1, replicas=1, readyReplicas=1, updatedReplicas=0), []).kind == "waiting"


def test_an_old_pod_beside_the_new_one_is_waited_for() -> None:
    assert judge_rollout(deployment(1, replicas=2, readyReplicas=2, updatedReplicas=1), []).kind == "waiting"


def group(*commands: str) -> dict[str, Any]:
    leader, worker = ({"metadata": {}, "spec": {"containers": [{"command": [command]}]}} for command in commands)
    templates = {"leaderTemplate": leader, "workerTemplate": worker}
    status = {"replicas": 1, "readyReplicas": 1, "updatedReplicas": 1}
    return {
        "kind": "LeaderWorkerSet",
        "metadata": {},
        "spec": {"replicas": 1, "leaderWorkerTemplate": templates},
        "status": status,
    }


def rank(name: str, command: str) -> dict[str, Any]:
    found = pod(name, phase="Running", conditions=[{"type": "Ready", "status": "True"}])
    found["spec"] = {"containers": [{"command": [command]}]}
    return found


def test_a_group_whose_pods_are_of_another_template_is_waited_for_whatever_its_status_says() -> None:
    pods = [rank("g-0", "lead"), rank("g-0-1", "work")]
    assert judge_rollout(group("lead", "work"), pods).kind == "ready"
    state = judge_rollout(group("lead --other", "work --other"), pods)
    assert (state.kind, state.message) == ("waiting", "1 of 1 replicas ready, pod g-0 is of the generation before")


def test_an_unschedulable_pod_is_told_in_the_schedulers_words() -> None:
    condition = {"reason": "Unschedulable", "message": "0/1 nodes are available: 1 Insufficient nvidia.com/gpu."}
    state = judge_rollout(deployment(), [pod(conditions=[condition])])
    assert state.kind == "unschedulable"
    assert "1 Insufficient nvidia.com/gpu" in state.message


@pytest.mark.parametrize(
    "message",
    [
        "manifest unknown",
        "docker.io/vllm/vllm-openai:v9: not found",
        "pull access denied, repository does not exist or may require authorization",
        "no match for platform in manifest: not found",
        "401 Unauthorized",
    ],
)
def test_an_image_that_can_never_be_pulled_is_hopeless(message: str) -> None:
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": message}}
    state = judge_rollout(deployment(), [pod(**container(state=waiting))])
    assert (state.kind, state.message) == ("stuck", f"pod server-0: ImagePullBackOff: {message}")


@pytest.mark.parametrize(
    "message",
    ["", "429 Too Many Requests", "dial tcp: lookup registry: no such host", "i/o timeout", "503 Service Unavailable"],
)
def test_a_registry_that_fails_for_a_moment_is_waited_for(message: str) -> None:
    waiting = {"waiting": {"reason": "ErrImagePull", "message": message}}
    assert judge_rollout(deployment(), [pod(**container(state=waiting))]).kind == "unpullable"


def test_trouble_counts_only_while_it_lasts_without_a_break(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 4.0, 5.0, 6.0, 10.0, 12.0])
    monkeypatch.setattr("qwen_infra.cluster.rollout.time.monotonic", lambda: next(now))
    trouble = Trouble({"unpullable": 5.0})
    kinds = ["unpullable", "unpullable", "waiting", "unpullable", "unpullable", "unpullable"]
    assert [trouble.lasts_too_long(kind) for kind in kinds] == [False, False, False, False, False, True]


def test_a_missing_secret_is_hopeless() -> None:
    waiting = {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "key" not found'}}
    assert 'secret "key" not found' in judge_rollout(deployment(), [pod(**container(state=waiting))]).message


def test_one_crash_is_waited_for() -> None:
    assert judge_rollout(deployment(), [pod(**container(restartCount=1))]).kind == "waiting"


def test_a_second_crash_is_hopeless_and_tells_the_exit_code() -> None:
    ended = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    state = judge_rollout(deployment(), [pod(**container(restartCount=2, lastState=ended))])
    assert (state.kind, state.message) == ("stuck", "pod server-0 crashed 2 times (OOMKilled, exit code 137)")


def test_a_crash_is_told_in_the_words_of_the_container() -> None:
    result = '{"complete": false, "message": "Qwen/x: has no revision v9"}'
    ended = {"terminated": {"reason": "Error", "exitCode": 10, "message": result}}
    state = judge_rollout(deployment(), [pod(**container(restartCount=2, lastState=ended))])
    assert state.message.endswith("(Error, exit code 10): Qwen/x: has no revision v9")


def test_a_pod_that_is_going_away_is_not_judged() -> None:
    going = pod(**container(restartCount=5))
    going["metadata"]["deletionTimestamp"] = "2026-11-01T00:00:00Z"
    assert judge_rollout(deployment(), [going]).kind == "waiting"


def test_waiting_says_which_pod_is_where() -> None:
    starting = pod(phase="Running")
    starting["spec"]["nodeName"] = "node-1"
    assert judge_rollout(deployment(), [starting]).message == (
        "0 of 1 replicas ready, pod server-0 is Running on node-1, not ready"
    )
