"""``WeightsReadiness``: waits until every download is complete, or says why one is not.

create / update: wait. diff: when a Job's manifest changed, or the last wait failed.
"""

from qwen_infra.checks.outcome import CheckOutcome, Report
from qwen_infra.checks.provider import Check, CheckProvider, Inputs
from qwen_infra.checks.target import CheckTarget

__all__ = ["WeightsReadiness", "WeightsReadinessProvider"]


class WeightsReadinessProvider(CheckProvider):
    """Waits for the Jobs ``options.jobs``, all within ``options.timeout_s``; details: commit and manifest digest."""

    what = "download"

    def run(self, inputs: Inputs, target: CheckTarget, report: Report) -> CheckOutcome:
        from qwen_infra.checks.downloading import wait  # a preview only compares, and is not to wait for this import

        return wait(inputs, target, report)


class WeightsReadiness(Check, module="qwen", name="WeightsReadiness"):
    """The wait for the weights, as a resource."""
