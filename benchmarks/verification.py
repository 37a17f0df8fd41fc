"""How long the verification takes against a server with 20 ms a token, and whether a soak's memory stays flat.

    .venv/bin/python -m benchmarks.verification [--token-ms 20] [--repeats 3]
    .venv/bin/python -m benchmarks.verification --soak-minutes 30 [--stall-s 6]

The server is the simulator, in a process of its own, with that time a token, whatever else runs. Targets: `full` under
60 s, `smoke` under 5 s, and a soak in which the client's memory does not grow. With `--stall-s` the client stands
still for that long about once a round, as on a crowded machine, from which no case may fail. The figures that were seen
stand in docs/verification.md.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qwen_infra.client import Endpoint
from qwen_infra.simulator import run_simulator
from qwen_infra.verification import Level, SuiteOptions, VerificationReport, run_suite

KEY = "sk-benchmark"
PREFILL_MS = 60.0
LIMITS_S: dict[Level, float] = {"full": 60.0, "smoke": 5.0}
STALL_SHARE = 0.01
"""Of the cases that end: about one a round."""
STALL_WITHIN_S = 0.02
"""After the end of a case, when the next one is connecting."""
WARM_UP_SHARE = 0.2
"""Of a soak: until then Python's own pools and caches fill."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--token-ms", type=float, default=20.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--soak-minutes", type=float, default=0.0, help="a soak instead of the durations")
    parser.add_argument(
        "--stall-s", type=float, default=0.0, help="of a soak: how long the client stands still once a round"
    )
    options = parser.parse_args()
    with serve(options.token_ms) as url:
        endpoint = Endpoint(url=url, model="qwen3.5", api_key=KEY)
        if options.soak_minutes:
            soak(endpoint, options.soak_minutes, Stalls(options.stall_s))
        else:
            measure(endpoint, options.repeats, options.token_ms)


@contextmanager
def serve(token_ms: float) -> Iterator[str]:
    """The URL of a simulator that needs ``token_ms`` for each token of each request."""
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder) / "profile.json"
        timing = {"name": "paced", "prefill": {"base_ms": PREFILL_MS}, "decode": {"base_ms": token_ms}}
        profile.write_text(json.dumps(timing))
        with run_simulator("--profile", str(profile), api_key=KEY) as url:
            yield url


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


class Stalls:
    """Stands still now and then just as the next case connects, as a process does that gets no processor."""

    def __init__(self, stall_s: float) -> None:
        self.count = 0
        self._stall_s = stall_s
        self._chance = random.Random(0)

    def take_turn(self) -> None:
        """To be called at the end of each case."""
        if self._stall_s and self._chance.random() < STALL_SHARE:
            self.count += 1
            asyncio.get_running_loop().call_later(self._chance.uniform(0, STALL_WITHIN_S), time.sleep, self._stall_s)


def soak(endpoint: Endpoint, minutes: float, stalls: Stalls) -> None:
    """The resident memory of this process, which is the client, at the end of each case; the slope after warming up."""
    started, began_mib = time.monotonic(), read_resident_mib()
    samples: list[tuple[float, float]] = []

    def sample(_: str) -> None:
        samples.append((time.monotonic() - started, read_resident_mib()))
        stalls.take_turn()

    options = SuiteOptions(soak_s=minutes * 60)
    report = asyncio.run(run_suite(endpoint, level="soak", options=options, progress=sample))
    warm = [(at_s, mib) for at_s, mib in samples if at_s >= WARM_UP_SHARE * minutes * 60]
    slope = statistics.linear_regression([at_s / 3600 for at_s, _ in warm], [mib for _, mib in warm]).slope
    values = [mib for _, mib in warm]
    rounds = max(case.runs for case in report.cases)
    print(
        f"soak of {report.duration_s / 60:.1f} min: {rounds} rounds, {len(samples)} cases, "
        f"{sum(case.flakes for case in report.cases)} failed, "
        f"{sum(case.late_connections for case in report.cases)} connections tried again after {stalls.count} stalls; "
        f"resident memory at the start {began_mib:.1f} MiB, after {WARM_UP_SHARE:.0%} of the time "
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
