"""``ServerReadiness``: waits until the server's pods are ready and it answers, or says at once why they will not.

create / update: wait. diff: when the Deployment's manifest changed, or the last wait failed.
"""

from qwen_infra.checks.outcome import CheckOutcome, Report
from qwen_infra.checks.provider import Check, CheckProvider, Inputs
from qwen_infra.checks.target import CheckTarget

__all__ = ["ServerReadiness", "ServerReadinessProvider"]


class ServerReadinessProvider(CheckProvider):
    """Waits for pods, then for ``/health``; both within the start-up budget ``options.timeout_s``."""

    what = "readiness"

    def run(self, inputs: Inputs, target: CheckTarget, report: Report) -> CheckOutcome:
        from qwen_infra.checks.waiting import wait  # a preview only compares, and is not to wait for this import

        return wait(inputs, target, report)


class ServerReadiness(Check, module="qwen", name="ServerReadiness"):
    """The wait for a server, as a resource."""
