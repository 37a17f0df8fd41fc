"""Rules about starting, stopping and surviving: budgets, the drain, copies on several nodes."""

from collections.abc import Iterator

from qwen_infra.policy.rule import Context, Manifest, Violation
from qwen_infra.policy.workloads import ServerPod, find_server_pods
from qwen_infra.quantities import whole_number

__all__ = ["check_drain", "check_spread", "check_startup_budget"]

DEFAULT_GRACE_S = 30
"""Kubernetes' default of terminationGracePeriodSeconds."""
ENGINE_READY_VARIABLE = "VLLM_ENGINE_READY_TIMEOUT_S"
ENGINE_READY_DEFAULT_S = 600
"""vLLM's own (``vllm/envs.py``, 0.32): it gives up after it, whatever the probe allows."""


def check_drain(manifest: Manifest, _context: Context) -> Iterator[Violation]:
    """A stopping server waits for proxies, then finishes its answers, then is killed; in this order."""
    for pod in find_server_pods(manifest):
        if pod.headless:
            continue
        delay, shutdown = _prestop_s(pod), pod.number("--shutdown-timeout", 0)
        grace = whole_number(pod.spec.get("terminationGracePeriodSeconds"), DEFAULT_GRACE_S)
        if not delay:
            yield Violation(pod.place, "no preStop sleep: requests still arrive when it stops", "sleep 5 s in preStop")
        if not shutdown:
            what = "no --shutdown-timeout: running answers are aborted"
            yield Violation(pod.place, what, "set --shutdown-timeout to the longest answer")
        elif grace < delay + shutdown:
            what = f"it is killed after {grace} s, before preStop ({delay} s) and shutdown ({shutdown} s) are over"
            yield Violation(pod.place, what, f"set terminationGracePeriodSeconds above {delay + shutdown}")


def check_startup_budget(manifest: Manifest, _context: Context) -> Iterator[Violation]:
    """The start-up probe, vLLM's own timeout and the Deployment's deadline all leave the time that a start takes."""
    for pod in find_server_pods(manifest):
        if pod.headless:
            continue
        probe = pod.container.get("startupProbe") or {}
        if not probe:
            what = "no startup probe: the liveness probe kills a model that still loads"
            yield Violation(pod.place, what, "add a startupProbe as long as the start-up budget")
            continue
        allowed = whole_number(probe.get("periodSeconds"), 10) * whole_number(probe.get("failureThreshold"), 3)
        engine = _engine_ready_s(pod)
        if allowed < engine:
            what = f"the startup probe kills it after {allowed} s, while vLLM may start for {engine} s"
            yield Violation(pod.place, what, f"raise failureThreshold, or lower {ENGINE_READY_VARIABLE}")
        deadline = (manifest.get("spec") or {}).get("progressDeadlineSeconds")
        if deadline is not None and whole_number(deadline, engine) < engine:
            what = f"progressDeadlineSeconds {deadline} is below the {engine} s that a start may take"
            yield Violation(pod.place, what, f"set it to {engine} or more")


def check_spread(manifest: Manifest, _context: Context) -> Iterator[Violation]:
    """Several copies do not all stand on one node."""
    for pod in find_server_pods(manifest):
        affinity = (pod.spec.get("affinity") or {}).get("podAntiAffinity")
        if pod.replicas > 1 and not pod.spec.get("topologySpreadConstraints") and not affinity:
            what = f"nothing keeps its {pod.replicas} copies on different nodes"
            yield Violation(pod.place, what, "add topologySpreadConstraints over kubernetes.io/hostname")


def _prestop_s(pod: ServerPod) -> int:
    hook = (pod.container.get("lifecycle") or {}).get("preStop") or {}
    return whole_number((hook.get("sleep") or {}).get("seconds"), 0) or int(bool(hook.get("exec")))


def _engine_ready_s(pod: ServerPod) -> int:
    value = str((pod.environment.get(ENGINE_READY_VARIABLE) or {}).get("value", ""))
    return int(value) if value.isdigit() else ENGINE_READY_DEFAULT_S
