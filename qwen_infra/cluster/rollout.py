"""Whether a Deployment's pods will come up, said as soon as it is known.

Pulumi's own wait says nothing of GPUs, events or logs and lasts to its end even when a pod can never be scheduled. This
one reads pods, events and the last log lines, reports progress, and stops at once on what cannot mend itself.
"""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from qwen_infra.cluster.kubectl import Kubectl, KubectlError, ObjectNotFoundError
from qwen_infra.cluster.patience import ask_patiently
from qwen_infra.cluster.shortage import find_shortage

__all__ = ["RolloutState", "Trouble", "find_pod_problem", "judge_rollout", "wait_for_rollout"]

POLL_S = 1.0
UNSCHEDULABLE_GRACE_S = 15.0
"""A pod of the generation before may still hold the GPUs while it drains; the scheduler needs a moment after it."""
UNPULLABLE_GRACE_S = 300.0
"""A registry that does not answer, or wants fewer requests, is back within this; the kubelet tries again meanwhile."""
HOPELESS_REASONS = frozenset({"InvalidImageName", "CreateContainerConfigError", "CreateContainerError"})
PULL_REASONS = frozenset({"ErrImagePull", "ImagePullBackOff"})
_NEVER_PULLED = re.compile(
    r"not found|manifest unknown|unauthorized|denied|authentication required|no match for platform|invalid reference",
    re.IGNORECASE,
)
"""What registries and container runtimes say of an image that no second try will bring."""
CRASHES_TO_GIVE_UP = 2
LOG_LINES = 3

Object = Mapping[str, Any]


@dataclass(frozen=True)
class RolloutState:
    """``ready``, ``waiting`` (with what for), ``unschedulable``, ``unpullable`` (may mend themselves) or ``stuck``."""

    kind: Literal["ready", "waiting", "unschedulable", "unpullable", "stuck"]
    message: str
    pod: str | None = None


@dataclass
class Trouble:
    """How long what may mend itself has lasted without a break, by its kind."""

    graces_s: Mapping[str, float] = field(
        default_factory=lambda: {"unschedulable": UNSCHEDULABLE_GRACE_S, "unpullable": UNPULLABLE_GRACE_S}
    )
    _kind: str | None = None
    _since_s: float = 0.0

    def lasts_too_long(self, kind: str) -> bool:
        """Whether what is seen now was seen, without a break, for longer than it may last."""
        now_s = time.monotonic()
        if kind != self._kind:
            self._kind, self._since_s = kind, now_s
        return kind in self.graces_s and now_s - self._since_s > self.graces_s[kind]


def judge_rollout(deployment: Object, pods: Sequence[Object]) -> RolloutState:
    """What the Deployment and its pods say now; a pod of an older generation that still runs is waited for."""
    spec, status = deployment.get("spec", {}), deployment.get("status", {})
    wanted = spec.get("replicas", 1)
    older = _find_older(deployment, pods)
    observed = _is_observed(deployment) and older is None
    ready = min(status.get("readyReplicas", 0), status.get("updatedReplicas", 0))
    if observed and ready >= wanted and status.get("replicas", 0) == wanted:
        return RolloutState("ready", f"{ready} of {wanted} replicas ready")
    alive = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    for pod in alive:
        if problem := find_pod_problem(pod):
            return problem
    waiting = next((_phase(pod) for pod in alive if not _is_ready(pod)), older or "no pod yet")
    return RolloutState("waiting", f"{ready} of {wanted} replicas ready, {waiting}")


def _find_older(group: Object, pods: Sequence[Object]) -> str | None:
    """Of a LeaderWorkerSet, a pod that was made from another template; its status does not tell them apart at once."""
    templates = group.get("spec", {}).get("leaderWorkerTemplate")
    if not templates:
        return None
    made = [_digest(templates[key]) for key in ("leaderTemplate", "workerTemplate")]
    found = next((pod for pod in pods if _digest(pod) not in made), None)
    return f"pod {found['metadata']['name']} is of the generation before" if found else None


def _digest(pod: Object) -> tuple[Any, ...]:
    """What an update changes in a pod: image, command and our annotations; others are added by controllers."""
    (container, *_) = pod["spec"].get("containers") or [{}]
    annotations = pod["metadata"].get("annotations", {}).items()
    own = sorted((key, value) for key, value in annotations if key.startswith("qwen-infra.dev/"))
    return (container.get("image"), container.get("command"), own)


def _is_observed(deployment: Object) -> bool:
    """A LeaderWorkerSet (0.8) does not say which generation its status is about."""
    status = deployment.get("status", {})
    if deployment.get("kind") == "LeaderWorkerSet":
        return bool(status)
    return bool(status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 1))


def wait_for_rollout(
    kubectl: Kubectl,
    namespace: str,
    name: str,
    *,
    timeout_s: float,
    report: Callable[[str], None],
    kind: str = "deployment",
) -> RolloutState:
    """The state in which the rollout ended: ``ready`` or ``stuck``; never later than ``timeout_s``.

    Raises:
        KubectlError: the cluster refused, or did not answer for minutes.
    """
    started = time.monotonic()
    trouble = Trouble()
    while True:
        state = ask_patiently(
            lambda: _observe(kubectl, namespace, kind, name), report=report, deadline_s=started + timeout_s
        )
        waited_s = time.monotonic() - started
        if state.kind in {"ready", "stuck"}:
            return _with_logs(kubectl, namespace, state)
        if trouble.lasts_too_long(state.kind):
            stuck = replace(state, kind="stuck")
            return _with_shortage(kubectl, namespace, stuck) if state.kind == "unschedulable" else stuck
        if waited_s > timeout_s:
            message = f"not ready within {timeout_s:.0f} s: {state.message}"
            return _with_logs(kubectl, namespace, RolloutState("stuck", message, state.pod))
        report(f"{state.message} ({waited_s:.0f} s)")
        time.sleep(POLL_S)


def _with_shortage(kubectl: Kubectl, namespace: str, state: RolloutState) -> RolloutState:
    short = None
    if state.pod is not None:
        try:
            short = find_shortage(kubectl, kubectl.get("--namespace", namespace, "pod", state.pod))
        except KubectlError:
            short = None  # the pod is gone, and the scheduler's words stand without it
    return RolloutState("stuck", f"{state.message}; {short}" if short else state.message, state.pod)


def _observe(kubectl: Kubectl, namespace: str, kind: str, name: str) -> RolloutState:
    try:
        deployment = kubectl.get("--namespace", namespace, kind, name)
    except ObjectNotFoundError:
        return RolloutState("stuck", f"{kind} {namespace}/{name} does not exist")
    # a LeaderWorkerSet has no selector; its pods carry our label as a Deployment's do
    labels = deployment["spec"].get("selector", {}).get("matchLabels", {"app": name})
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    return judge_rollout(deployment, kubectl.items("--namespace", namespace, "pods", f"--selector={selector}"))


def find_pod_problem(pod: Object) -> RolloutState | None:
    """What keeps a pod from running, if it is known already: no node, no image, no Secret, crashes."""
    name = pod["metadata"]["name"]
    for condition in pod.get("status", {}).get("conditions", ()):
        if condition.get("reason") == "Unschedulable":
            return RolloutState("unschedulable", f"pod {name} cannot be scheduled: {condition.get('message')}", name)
    found = pod.get("status", {})
    for status in (*found.get("initContainerStatuses", ()), *found.get("containerStatuses", ())):
        waiting = status.get("state", {}).get("waiting", {})
        reason, said = waiting.get("reason"), str(waiting.get("message", ""))
        if reason in HOPELESS_REASONS | PULL_REASONS:
            is_final = reason in HOPELESS_REASONS or _NEVER_PULLED.search(said)
            return RolloutState("stuck" if is_final else "unpullable", f"pod {name}: {reason}: {said}", name)
        if status.get("restartCount", 0) >= CRASHES_TO_GIVE_UP:
            ended = status.get("lastState", {}).get("terminated") or status.get("state", {}).get("terminated") or {}
            why = f"{ended.get('reason', 'Error')}, exit code {ended.get('exitCode', 'unknown')}"
            words = _last_words(ended)
            return RolloutState("stuck", f"pod {name} crashed {status['restartCount']} times ({why}){words}", name)
    return None


def _last_words(ended: Object) -> str:
    """What a container wrote as its termination message: a sentence, or the downloader's result as JSON."""
    text = str(ended.get("message", ""))
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    words = str(found["message"]) if isinstance(found, dict) and "message" in found else " ".join(text.split())
    return f": {words}" if words else ""


def _phase(pod: Object) -> str:
    status = pod.get("status", {})
    place = f" on {pod['spec']['nodeName']}" if pod.get("spec", {}).get("nodeName") else ""
    return f"pod {pod['metadata']['name']} is {status.get('phase', 'Pending')}{place}, not ready"


def _is_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(item.get("type") == "Ready" and item.get("status") == "True" for item in conditions)


def _with_logs(kubectl: Kubectl, namespace: str, state: RolloutState) -> RolloutState:
    if state.kind == "ready" or state.pod is None:
        return state
    try:
        text = kubectl.run("--namespace", namespace, "logs", state.pod, f"--tail={LOG_LINES}")
    except KubectlError:
        return state  # a pod that never started has no log, and the message stands without it
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (
        RolloutState(state.kind, f"{state.message}; its last log lines: {' | '.join(lines)}", state.pod)
        if lines
        else state
    )
