"""What the load generator measures of a simulator whose timings are set, over real sockets: measured over set.

    python -m benchmarks.known_timings [--streams 1 32 256] [--rounds 3]

`tests/unit/benchmark/test_known_timings.py` does the same on one virtual clock without a network and is exact anywhere.
Here client and simulator are two processes that share the machine: a busy one makes the figures worse, the
simulator's own lateness is in them, and with 256 streams a token takes 100 ms, since two cores give no more.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.servers import serve
from qwen_infra.benchmark import BenchmarkResult, Workload, run_benchmark
from qwen_infra.client import Endpoint
from qwen_infra.local.ports import find_free_ports

MODEL = "qwen3.5"
PROMPT_TOKENS, OUTPUT_TOKENS = 128, 64
PREFILL_MS, TOKENS_PER_S = 40.0, 1280.0
TTFT_MS = PREFILL_MS + PROMPT_TOKENS / TOKENS_PER_S * 1000


@contextmanager
def simulate(step_ms: float) -> Iterator[str]:
    """A simulator whose every prefill and every step takes a set time; the URL when it answers."""
    profile = {
        "name": "steady",
        "prefill": {"base_ms": PREFILL_MS, "tokens_per_s": TOKENS_PER_S},
        "decode": {"base_ms": step_ms},
        "cache": {"prefix_caching": False},
    }
    port = find_free_ports(1)[0]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "steady.json"
        file.write_text(json.dumps(profile), "utf-8")
        command = [sys.executable, "-m", "qwen_infra.simulator", "--port", str(port), "--profile", str(file)]
        with serve([*command, "--max-model-len", "4096"], f"http://127.0.0.1:{port}", within_s=60) as url:
            yield url


def measure(url: str, streams: int, seed: int) -> BenchmarkResult:
    workload = Workload(
        input_tokens=PROMPT_TOKENS,
        output_tokens=OUTPUT_TOKENS,
        num_prompts=2 * streams,
        max_concurrency=streams,
        ignore_eos=True,
        seed=seed,
    )
    return asyncio.run(run_benchmark(Endpoint(url=url, model=MODEL), workload, vocabulary_size=None))


def compare(streams: int, rounds: int) -> None:
    """Print one table for one number of streams."""
    step_ms = 20.0 if streams <= 64 else 100.0
    e2el_ms = TTFT_MS + (OUTPUT_TOKENS - 1) * step_ms
    expected = {"ttft": TTFT_MS, "tpot": step_ms, "itl": step_ms, "e2el": e2el_ms}
    with simulate(step_ms) as url:
        results = [measure(url, streams, seed) for seed in range(rounds)]
    failed = sum(result.failed for result in results)
    print(f"\n{streams} streams, {step_ms:g} ms a token, median of {rounds} rounds, {failed} failed", flush=True)
    print(f"{'figure':18}{'set':>10}{'measured':>12}{'ratio':>8}{'off by ms':>11}")
    for name, value in expected.items():
        for statistic in ("mean", "median", "p99"):
            key = f"{statistic}_{name}_ms"
            found = statistics.median(result.value(key) or 0.0 for result in results)
            print(f"{key:18}{value:10.2f}{found:12.2f}{found / value:8.3f}{found - value:11.2f}", flush=True)
    rate = 2 * streams * OUTPUT_TOKENS / (2 * e2el_ms / 1000)
    found = statistics.median(result.output_throughput or 0.0 for result in results)
    print(f"{'output_throughput':18}{rate:10.1f}{found:12.1f}{found / rate:8.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 32, 256])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    for streams in arguments.streams:
        compare(streams, arguments.rounds)


if __name__ == "__main__":
    main()
