"""The work of ``VerificationCheck``: the suite against the target, its report on disk, its table in the output."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

from qwen_infra.benchmark import write_result
from qwen_infra.checks.hardware import read_cluster_facts
from qwen_infra.checks.outcome import CheckOutcome, Report
from qwen_infra.checks.progress import show
from qwen_infra.checks.results import find_results_folder
from qwen_infra.checks.target import CheckTarget
from qwen_infra.verification import Level, SuiteOptions, VerificationReport, render_table, run_suite

__all__ = ["verify"]


def verify(inputs: Mapping[str, Any], target: CheckTarget, report: Report) -> CheckOutcome:
    """Run the suite at ``options.level`` and keep its report under ``options.stack``.

    Raises:
        KubectlError: the server or its key could not be reached.
    """
    options = inputs["options"]
    found = asyncio.run(_run(options, target, report))
    path = write_result(found, root=find_results_folder(), stack=str(options["stack"]), kind="verification")
    show(str(inputs["urn"]), render_table(found))
    return CheckOutcome(
        passed=found.passed,
        summary=found.summary,
        made_with=found.provenance.description,
        details={"simulated": found.simulated, "result": path.name},
    )


async def _run(options: Mapping[str, Any], target: CheckTarget, report: Report) -> VerificationReport:
    cluster = read_cluster_facts(target)
    with target.open() as endpoint:
        return await run_suite(
            endpoint,
            level=cast("Level", options["level"]),
            cluster=cluster,
            options=SuiteOptions(thinking_by_default=bool(options["thinking_by_default"])),
            progress=report,
        )
