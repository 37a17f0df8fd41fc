"""``BenchmarkCheck``: measures how fast the deployed server answers, and holds it against the SLOs.

create / update: run the workload of ``qwen_infra.benchmark``. diff: when the server, its place, the workload or the
SLOs changed, or the last run failed. The whole result goes to ``results/<stack>/``; the state keeps the figures.
"""

from qwen_infra.checks.outcome import CheckOutcome, Report
from qwen_infra.checks.provider import Check, CheckProvider, Inputs
from qwen_infra.checks.target import CheckTarget

__all__ = ["BenchmarkCheck", "BenchmarkProvider"]


class BenchmarkProvider(CheckProvider):
    """Runs ``options.workload`` within ``options.timeout_s`` and judges ``options.slos``."""

    what = "benchmark"

    def run(self, inputs: Inputs, target: CheckTarget, report: Report) -> CheckOutcome:
        from qwen_infra.checks.measuring import measure  # a preview only compares, and is not to wait for this import

        return measure(inputs, target, report)


class BenchmarkCheck(Check, module="qwen", name="BenchmarkCheck"):
    """The benchmark of a server, as a resource."""
