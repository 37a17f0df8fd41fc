"""The suite as the program of a pod: the result is the last line of its log, its verdict the termination message.

    python3 verify.pyz --url http://vllm.qwen.svc:8000 --model qwen3.5 --level full

The key is read from VLLM_API_KEY. Exit codes: 0 passed, 1 failed, 2 wrong usage. Nothing but the image's own httpx and
pydantic is needed beside what the archive holds.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from qwen_infra.client import ClusterFacts, Deadlines, Endpoint, InferenceClient, fetch_provenance, shorten
from qwen_infra.client.provenance import SIMULATED_NODE_VARIABLE
from qwen_infra.errors import ConfigurationError
from qwen_infra.verification.case import LEVELS
from qwen_infra.verification.facts import DeployedServer
from qwen_infra.verification.pod_log import write_result_line
from qwen_infra.verification.result import VerificationReport
from qwen_infra.verification.runner import SuiteOptions, run_suite

__all__ = ["main"]

_MESSAGE_CHARACTERS = 1000
"""A kubelet keeps 4096 bytes of a termination message."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suite; the exit code."""
    options = _parse(arguments)
    try:
        report = asyncio.run(_verify(options))
    except ConfigurationError as error:
        print(f"error: {error}", file=sys.stderr)
        _leave_message(options.result, {"passed": False, "message": shorten(str(error), _MESSAGE_CHARACTERS)})
        return error.exit_code
    for case in report.cases:
        if case.status == "failed":
            print(f"{case.id}: {case.detail}; expected: {case.expected}; came: {case.actual}")
    print(report.summary)
    print(write_result_line(report), flush=True)
    _leave_message(options.result, {"passed": report.passed, "message": shorten(report.summary, _MESSAGE_CHARACTERS)})
    return 0 if report.passed else 1


async def _verify(options: argparse.Namespace) -> VerificationReport:
    endpoint = Endpoint(url=options.url, model=options.model, api_key=os.environ.get("VLLM_API_KEY") or None)
    cluster = ClusterFacts(gpu_product=options.gpu, simulated_nodes=SIMULATED_NODE_VARIABLE in os.environ)
    async with InferenceClient(endpoint, deadlines=Deadlines.for_whole_answer(30.0)) as client:
        provenance = await fetch_provenance(client, cluster=cluster)
    return await run_suite(
        endpoint,
        level=options.level,
        cluster=cluster,
        options=SuiteOptions(
            thinking_by_default=options.thinking_default == "on",
            include=tuple(options.case),
            exclude=tuple(options.exclude),
            soak_s=options.soak_minutes * 60,
            deployed=DeployedServer(is_simulated=provenance.simulated, **options.expected),
        ),
        progress=lambda line: print(line, flush=True),
    )


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="verify.pyz", description=__doc__, allow_abbrev=False)
    parser.add_argument("--url", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--level", choices=LEVELS, default="full")
    parser.add_argument("--thinking-default", choices=("on", "off"), default="on")
    parser.add_argument("--case", action="append", default=[])
    parser.add_argument("--exclude", action="append", default=[])
    parser.add_argument("--soak-minutes", type=float, default=10.0)
    parser.add_argument("--gpu", default=None)
    parser.add_argument("--result", type=Path, default=None, help="file that gets the verdict as JSON")
    parser.add_argument("--expected", type=_read_expected, default={})
    return parser.parse_args(arguments)


def _read_expected(text: str) -> dict[str, Any]:
    known = {field.name for field in fields(DeployedServer)}
    try:
        found = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"no JSON: {error}") from error
    if not isinstance(found, dict) or set(found) - known:
        raise argparse.ArgumentTypeError(f"not an object with keys among {', '.join(sorted(known))}")
    return found


def _leave_message(path: Path | None, message: dict[str, Any]) -> None:
    if path is not None:
        path.write_text(json.dumps(message), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
