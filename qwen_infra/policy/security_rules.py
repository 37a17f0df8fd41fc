"""Rules about who may do what: keys, host namespaces, the network."""

from collections.abc import Iterator, Mapping
from typing import Any

from qwen_infra.policy.reading import selects
from qwen_infra.policy.rule import Context, Manifest, Violation
from qwen_infra.policy.workloads import ServerPod, find_pods, find_server_pods

__all__ = ["check_host_namespaces", "check_key", "check_network_policy"]

KEY_VARIABLE = "VLLM_API_KEY"


def check_key(manifest: Manifest, _context: Context) -> Iterator[Violation]:
    """The API key comes from a Secret: not from an argument, not in clear, and there is one."""
    mend = "take VLLM_API_KEY from a Secret by secretKeyRef (qwen-infra:endpoint.apiKey)"
    for pod in find_server_pods(manifest):
        if pod.headless:
            continue
        if pod.flag("--api-key") is not None:
            yield Violation(pod.place, "the API key stands among the arguments", mend)
        variable = pod.environment.get(KEY_VARIABLE)
        if variable is None:
            yield Violation(pod.place, f"{KEY_VARIABLE} is not set, so everybody may ask", mend)
        elif "secretKeyRef" not in (variable.get("valueFrom") or {}):
            yield Violation(pod.place, f"{KEY_VARIABLE} does not come from a Secret", mend)


def check_host_namespaces(manifest: Manifest, _context: Context) -> Iterator[Violation]:
    """No pod shares the node's network, processes or memory."""
    for place, spec in find_pods(manifest):
        for key in ("hostNetwork", "hostPID", "hostIPC"):
            if spec.get(key):
                yield Violation(place, f"{key} is on: the pod shares the node's namespace", f"leave {key} out")


def check_network_policy(manifest: Manifest, context: Context) -> Iterator[Violation]:
    """A NetworkPolicy for ingress selects the server's pods."""
    for pod in find_server_pods(manifest):
        if not any(_selects(item, pod) for item in context.objects):
            what = "no NetworkPolicy selects its pods, so every pod of the cluster may reach them"
            yield Violation(pod.place, what, "add one that selects their labels, with policyTypes: [Ingress]")


def _selects(manifest: Manifest, pod: ServerPod) -> bool:
    if manifest.get("kind") != "NetworkPolicy":
        return False
    if str((manifest.get("metadata") or {}).get("namespace", "")) != pod.namespace:
        return False
    spec: Mapping[str, Any] = manifest.get("spec") or {}
    is_ingress = "Ingress" in (spec.get("policyTypes") or ["Ingress"])
    return is_ingress and selects(spec.get("podSelector") or {}, pod.labels)
