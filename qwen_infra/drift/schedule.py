"""Whether the newest run of a scheduled verification still passed: a behaviour that changed since the deployment."""

from collections.abc import Sequence

from qwen_infra.checks.collecting import ScheduledRun
from qwen_infra.drift.difference import Difference
from qwen_infra.planning import DeploymentPlan

__all__ = ["compare_schedule"]


def compare_schedule(plan: DeploymentPlan, runs: Sequence[ScheduledRun]) -> list[Difference]:
    """A difference when the newest run that has ended did not pass; ``runs`` are oldest first."""
    ended = [run for run in runs if run.status != "running"]
    if not ended or ended[-1].status == "passed":
        return []
    newest = ended[-1]
    return [
        Difference(
            "behaviour",
            f"Job {plan.cluster.namespace}/{newest.job}",
            f"the scheduled verification of {newest.began_at:%Y-%m-%d %H:%M} UTC failed",
            "passed",
            newest.summary,
            f"read all of it: qwen-infra collect --stack {plan.stack}",
        )
    ]
