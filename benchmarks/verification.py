"""How long the verification takes against a server with 20 ms a token, and whether a soak's memory stays flat.

    .venv/bin/python -m benchmarks.verification [--token-ms 20] [--repeats 3]
    .venv/bin/python -m benchmarks.verification --soak-minutes 30

The server is the simulator, in a process of its own, with that time a token, whatever else runs. Targets: `full` under
60 s, `smoke` under 5 s, and a soak in which the client's memory does not grow. The figures that were seen stand in
docs/verification.md.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qwen_infra.client import Endpoint
from qwen_infra.verification import Level, SuiteOptions, VerificationReport, run_suite

KEY = "sk-benchmark"
PREFILL_MS = 60.0
LIMITS_S: dict[Level, float] = {"full": 60.0, "smoke": 5.0}
WARM_UP_SHARE = 0.2
"""Of a soak: until then Python's own pools and caches fill."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--token-ms", type=float, default=20.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--soak-minutes", type=float, default=0.0, help="a soak instead of the durations")
    options = parser.parse_args()
    with serve(options.token_ms) as url:
        endpoint = Endpoint(url=url, model="qwen3.5", api_key=KEY)
        if options.soak_minutes:
            soak(endpoint, options.soak_minutes)
        else:
            measure(endpoint, options.repeats, options.token_ms)


@contextmanager
def serve(token_ms: float) -> Iterator[str]:
    """The URL of a simulator that needs ``token_ms`` for each token of each request."""
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder) / "profile.json"
        timing = {"name": "paced", "prefill": {"base_ms": PREFILL_MS}, "decode": {"base_ms": token_ms}}
        profile.write_text(json.dumps(timing))
        command = [sys.executable, "-m", "qwen_infra.simulator", "--port", "0", "--profile", str(profile)]
        environment = {**os.environ, "VLLM_API_KEY": KEY}
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        ) as process:
            try:
                assert process.stdout is not None
                listening = next(line for line in process.stdout if line.startswith("listening on "))
                yield listening.removeprefix("listening on ").strip()
            finally:
                process.kill()


def measure(endpoint: Endpoint, repeats: int, token_ms: float) -> None:
    for level, limit_s in LIMITS_S.items():
        reports = [verify(endpoint, level) for _ in range(repeats)]
        middle_s = statistics.median(report.duration_s for report in reports)
        slowest = sorted(reports[0].cases, key=lambda case: -case.duration_s)[:3]
        told = ", ".join(f"{case.id} {case.duration_s:.1f} s" for case in slowest)
        print(
            f"{level}: {len(reports[0].cases)} cases at {token_ms:g} ms a token in {middle_s:.1f} s "
            f"(median of {repeats}), {middle_s / limit_s:.2f} x the limit of {limit_s:g} s; the slowest: {told}"
        )
        assert all(report.passed for report in reports), reports[0].summary


def verify(endpoint: Endpoint, level: Level) -> VerificationReport:
    return asyncio.run(run_suite(endpoint, level=level))


def soak(endpoint: Endpoint, minutes: float) -> None:
    """The resident memory of this process, which is the client, at the end of each case; the slope after warming up."""
    started = time.monotonic()
    samples: list[tuple[float, float]] = []

    def sample(_: str) -> None:
        samples.append((time.monotonic() - started, read_resident_mib()))

    options = SuiteOptions(soak_s=minutes * 60)
    report = asyncio.run(run_suite(endpoint, level="soak", options=options, progress=sample))
    warm = [(at_s, mib) for at_s, mib in samples if at_s >= WARM_UP_SHARE * minutes * 60]
    slope = statistics.linear_regression([at_s / 3600 for at_s, _ in warm], [mib for _, mib in warm]).slope
    values = [mib for _, mib in warm]
    rounds = max(case.runs for case in report.cases)
    print(
        f"soak of {report.duration_s / 60:.1f} min: {rounds} rounds, {len(samples)} cases, "
        f"{sum(case.flakes for case in report.cases)} failed; after {WARM_UP_SHARE:.0%} of the time "
        f"{values[0]:.1f} MiB, at the end {values[-1]:.1f} MiB, highest {max(values):.1f} MiB, "
        f"slope {slope:+.2f} MiB an hour"
    )
    for case in report.cases:
        if case.flakes:
            print(f"  {case.id}: {case.detail}")


def read_resident_mib() -> float:
    """Resident memory of this process. Source: proc(5), the second field of statm, in pages."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


if __name__ == "__main__":
    main()
