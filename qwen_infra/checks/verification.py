"""``VerificationCheck``: proves that the deployed server answers correctly.

create / update: run the suite of ``qwen_infra.verification``. diff: when the server, its place or the suite changed, or
the last run failed. The whole report goes to ``results/<stack>/``; the state keeps its one-line summary.
"""

from qwen_infra.checks.outcome import CheckOutcome, Report
from qwen_infra.checks.provider import Check, CheckProvider, Inputs
from qwen_infra.checks.target import CheckTarget

__all__ = ["VerificationCheck", "VerificationProvider"]


class VerificationProvider(CheckProvider):
    """Runs the suite at ``options.level``."""

    what = "verification"

    def run(self, inputs: Inputs, target: CheckTarget, report: Report) -> CheckOutcome:
        from qwen_infra.checks.verifying import verify  # a preview only compares, and is not to wait for this import

        return verify(inputs, target, report)


class VerificationCheck(Check, module="qwen", name="VerificationCheck"):
    """The verification of a server, as a resource."""
