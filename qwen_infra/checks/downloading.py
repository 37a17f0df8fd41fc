"""The work of ``WeightsReadiness``: wait for the Jobs, and compare what they brought."""

from collections.abc import Mapping
from typing import Any

from qwen_infra.checks.outcome import CheckOutcome, Report
from qwen_infra.checks.target import CheckTarget
from qwen_infra.cluster.facts import SIMULATED_NODE_ANNOTATION
from qwen_infra.cluster.job_state import JobState, wait_for_jobs

__all__ = ["SIMULATED", "judge_downloads", "wait"]

SIMULATED = "simulated"
"""Stands for a commit and a digest where a simulated node said that a Job is complete, and nothing was downloaded."""


def wait(inputs: Mapping[str, Any], target: CheckTarget, report: Report) -> CheckOutcome:
    """Wait for every Job of ``options.jobs`` or the first that fails, at most ``options.timeout_s`` seconds in all.

    Raises:
        KubectlError: the cluster could not be asked.
    """
    options = inputs["options"]
    states = wait_for_jobs(
        target.kubectl, target.namespace, options["jobs"], timeout_s=float(options["timeout_s"]), report=report
    )
    simulated = {job for job, state in states.items() if not state.result and _is_simulated(target, state.node)}
    return judge_downloads(target, states, simulated)


def judge_downloads(target: CheckTarget, states: Mapping[str, JobState], simulated: set[str]) -> CheckOutcome:
    """Complete where all are, with the same files. Pure."""
    for job, state in states.items():
        if state.kind != "complete":
            return CheckOutcome(passed=False, summary=_tell(target, job, state))
    if simulated:
        details = {"commit": SIMULATED, "digest": SIMULATED}
        return CheckOutcome(True, "complete (simulated node: nothing was downloaded)", SIMULATED, details)
    digests = {str(state.result.get("digest", "")) for state in states.values()}
    if len(digests) > 1:
        commits = ", ".join(f"{state.result.get('commit')} on {state.node}" for state in states.values())
        summary = f"the nodes hold different weights: {commits}. Name a commit in qwen-infra:model.revision"
        return CheckOutcome(passed=False, summary=summary)
    result = next(iter(states.values())).result
    commit, digest = str(result.get("commit", "unknown")), digests.pop() or "unknown"
    kept = {key: result[key] for key in ("files", "bytes", "fetched_bytes", "found_bytes", "seconds") if key in result}
    return CheckOutcome(
        True, f"commit {commit}, manifest {digest[:12]}", "", {"commit": commit, "digest": digest, **kept}
    )


def _tell(target: CheckTarget, job: str, state: JobState) -> str:
    look = " ".join(target.kubectl.command("--namespace", target.namespace, "logs", f"job/{job}"))
    place = f" (node {state.node})" if state.node else ""
    return (
        f"Job {target.namespace}/{job}{place}: {state.message}. To see more: `{look}`; "
        "the next `pulumi up` replaces the Job, which goes on where this one stopped"
    )


def _is_simulated(target: CheckTarget, node: str | None) -> bool:
    if node is None:
        return False
    annotations = target.kubectl.get("node", node)["metadata"].get("annotations", {})
    return SIMULATED_NODE_ANNOTATION in annotations
