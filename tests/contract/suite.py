"""Running the whole suite against a real vLLM of the contract tests, and reading its report."""

import asyncio
from fnmatch import fnmatchcase

from qwen_infra.client import Endpoint
from qwen_infra.verification import CASES, DeployedServer, SuiteOptions, VerificationReport, run_suite
from tests.contract.servers import KEY, MAX_MODEL_LEN, MODEL, OPEN_PATHS, SERVED

__all__ = ["NOT_ASKED", "having", "matching", "verify"]

PATIENCE = 5.0
"""Factor on every deadline: two busy cores stand in for GPUs."""
NOT_ASKED = {
    *("unguarded-paths", "server-image", "server-model", "server-kv-cache"),
    "image-input",
}
"""No plan stands behind these servers, they are asked from inside, and they take text only."""


def verify(url: str, *include: str, temperature: float | None = 0) -> VerificationReport:
    """Every case, or only ``include``; ``temperature`` None leaves it to the cases and the server."""
    options = SuiteOptions(
        include=include,
        temperature=temperature,
        patience=PATIENCE,
        deployed=DeployedServer(
            version="0.32.0",
            max_model_len=MAX_MODEL_LEN,
            open_paths=OPEN_PATHS,
            repository=SERVED["repository"],
            revision=SERVED["revision"],
        ),
    )
    return asyncio.run(run_suite(Endpoint(url=url, model=MODEL, api_key=KEY), level="full", options=options))


def having(report: VerificationReport, status: str) -> dict[str, str]:
    """By the id of the case, what was wrong and what came."""
    return {case.id: f"{case.detail}; came: {case.actual}" for case in report.cases if case.status == status}


def matching(*patterns: str) -> set[str]:
    """The cases of the suite; a pattern that matches none is an error of the list."""
    found = {pattern: {case.id for case in CASES if fnmatchcase(case.id, pattern)} for pattern in patterns}
    assert [pattern for pattern, cases in found.items() if not cases] == []
    return set().union(*found.values())
