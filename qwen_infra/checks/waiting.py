"""The work of ``ServerReadiness``: wait for the pods, then for ``/health``, both within the start-up budget."""

import time
from collections.abc import Mapping
from typing import Any

import httpx

from qwen_infra.checks.outcome import CheckOutcome, Report
from qwen_infra.checks.target import CheckTarget
from qwen_infra.client.endpoint import Endpoint, build_tls
from qwen_infra.client.proxies import find_proxy
from qwen_infra.cluster.kubectl import KubectlError
from qwen_infra.cluster.port_forward import forward
from qwen_infra.cluster.rollout import wait_for_rollout

__all__ = ["wait"]

POLL_S = 1.0


def wait(inputs: Mapping[str, Any], target: CheckTarget, report: Report) -> CheckOutcome:
    """Wait at most ``options.timeout_s`` seconds.

    Raises:
        KubectlError: the cluster could not be asked.
    """
    timeout_s = float(inputs["options"]["timeout_s"])
    started = time.monotonic()
    state = wait_for_rollout(
        target.kubectl,
        target.namespace,
        target.deployment,
        timeout_s=timeout_s,
        report=report,
        kind=target.kind or "deployment",
    )
    place = f"{'LeaderWorkerSet' if target.kind else 'Deployment'} {target.namespace}/{target.deployment}"
    if state.kind != "ready":
        return CheckOutcome(passed=False, summary=_tell_mend(place, state.message, target))
    problem = _wait_for_health(target, started + timeout_s, report)
    waited_s = time.monotonic() - started
    if problem:
        message = f"{state.message}, but /health does not answer after {waited_s:.0f} s: {problem}"
        return CheckOutcome(passed=False, summary=_tell_mend(place, message, target))
    return CheckOutcome(passed=True, summary=f"{state.message} after {waited_s:.0f} s")


def _tell_mend(place: str, message: str, target: CheckTarget) -> str:
    look = " ".join(
        target.kubectl.command("--namespace", target.namespace, "describe", "pods", f"-lapp={target.deployment}")
    )
    return f"{place}: {message}. To see more: `{look}`; the next `pulumi up` waits again"


def _wait_for_health(target: CheckTarget, deadline: float, report: Report) -> str | None:
    """What is wrong at the deadline, ``None`` once ``/health`` answered 200."""
    problem = "not tried"
    while True:
        try:
            problem = _ask_health(target)
        except (httpx.HTTPError, KubectlError) as error:
            problem = str(error) or type(error).__name__
        if not problem:
            return None
        if time.monotonic() > deadline:
            return problem
        report(f"pods are ready, waiting for /health: {problem}")
        time.sleep(POLL_S)


def _ask_health(target: CheckTarget) -> str:
    if target.url:
        return _problem(target.url)
    with forward(target.kubectl, target.namespace, _leader(target), target.port) as url:
        return _problem(url)


def _leader(target: CheckTarget) -> str:
    """Of a LeaderWorkerSet, the first group's leader, whose pod is named so by its controller."""
    return f"pod/{target.deployment}-0" if target.kind else f"deployment/{target.deployment}"


def _problem(url: str) -> str:
    """Asked as the checks after this one ask: by the same proxy, and with the same trust in certificates."""
    endpoint = Endpoint(url=url, model="")
    proxy, tls = find_proxy(endpoint), build_tls(endpoint)
    status = httpx.get(f"{endpoint.url}/health", timeout=10, proxy=proxy, verify=tls, trust_env=False).status_code
    return "" if status == httpx.codes.OK else f"status {status}"
