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
from qwen_infra.cluster.hardware import read_image_digests
from qwen_infra.verification import DeployedServer, Level, SuiteOptions, VerificationReport, render_table, run_suite

__all__ = ["verify"]


def verify(inputs: Mapping[str, Any], target: CheckTarget, report: Report) -> CheckOutcome:
    """Run the suite at ``options.level`` and keep its report under ``options.stack``.

    Raises:
        KubectlError: the server or its key could not be reached.
    """
    options = inputs["options"]
    found = asyncio.run(_run(options, target, report)).model_copy(update={"server": target.deployment})
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
            options=_read_options(options, target, simulated=bool(cluster.simulated_nodes)),
            progress=report,
        )


def _read_options(options: Mapping[str, Any], target: CheckTarget, *, simulated: bool) -> SuiteOptions:
    expected = dict(options.get("expected") or {})
    for key in ("max_model_len", "num_gpu_blocks"):
        if key in expected:
            expected[key] = int(expected[key])  # every number of a resource's inputs is a float
    digests = read_image_digests(target.kubectl, target.namespace, target.deployment)
    return SuiteOptions(
        thinking_by_default=bool(options["thinking_by_default"]),
        include=tuple(options.get("include") or ()),
        exclude=tuple(options.get("exclude") or ()),
        through_tunnel=target.reached_by == "port-forward",
        soak_s=float(options.get("soak_s") or 600),
        deployed=DeployedServer(is_simulated=simulated, running_image_digests=digests, **expected),
    )
