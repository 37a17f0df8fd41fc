"""Our figures against those of `vllm bench serve`, on the same real vLLM, in turns: ratios of the medians.

    python -m benchmarks.against_vllm [--rounds 5] [--loads open-long] [--apart] [--record FILE]

Starts a real vLLM 0.32 on the CPU with the miniature (installed and trained when they are not there), sends the same
load by turns with this project's load generator and with `vllm bench serve`, and prints the medians and their ratios.
The last pair of columns is `vllm bench serve` without the look at the proxy settings that its session takes before each
request; what that costs (`benchmarks/load_client.py`) is of the size of the miniature's TTFT. With `--apart` the
clients have the last core for themselves and the server the others: on shared ones the client that costs less makes the
server faster.
`--record` keeps the log of one `vllm bench serve` as the in-cluster Job would print it.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.servers import serve
from qwen_infra.benchmark import Workload, run_benchmark
from qwen_infra.benchmark.bench_serve import JOB_SCRIPT, bench_serve_arguments, parse_log
from qwen_infra.benchmark.workload import Sampling
from qwen_infra.client import Endpoint
from qwen_infra.local.miniature_store import ensure_miniature
from qwen_infra.local.ports import find_free_ports
from qwen_infra.local.vllm_environment import ensure_vllm, vllm_python

MODEL = "qwen3.5"
FIGURES = (
    *("mean_ttft_ms", "median_ttft_ms", "mean_tpot_ms", "median_tpot_ms", "mean_itl_ms", "median_itl_ms"),
    *("mean_e2el_ms", "request_throughput", "output_throughput", "total_token_throughput"),
)
_OPEN = Workload(
    name="open",
    input_tokens=128,
    output_tokens=64,
    num_prompts=24,
    request_rate=2.0,
    ignore_eos=True,
    sampling=Sampling(temperature=0),
    warmup_requests=1,
    prompt_form="text",
)
LOADS = (
    _OPEN,
    Workload(
        name="closed",
        input_tokens=128,
        output_tokens=128,
        num_prompts=16,
        max_concurrency=4,
        ignore_eos=True,
        sampling=Sampling(temperature=0),
        warmup_requests=1,
        prompt_form="text",
    ),
    _OPEN.model_copy(update={"name": "open-ids", "prompt_form": "ids"}),
    _OPEN.model_copy(update={"name": "open-long", "input_tokens": 1024, "request_rate": 1.5}),
)
"""Text as `vllm bench serve` sends it, so that the server's tokenizer is in the TTFT of both; and once ids, without."""

OURS, THEIRS, DIRECT = "ours", "vllm bench", "no proxies"
_DIRECT_PROGRAM = """\
#!{python}
import sys

import aiohttp

begin = aiohttp.ClientSession.__init__


def begin_without_proxies(self, *arguments, **options):
    begin(self, *arguments, **{{**options, "trust_env": False}})


aiohttp.ClientSession.__init__ = begin_without_proxies

from vllm.entrypoints.cli.main import main

sys.exit(main())
"""


def vllm_command(model: Path, program: Path, port: int) -> list[str]:
    """A real vLLM for the miniature."""
    arguments = ["serve", str(model), "--served-model-name", MODEL, "--host", "127.0.0.1", "--port", str(port)]
    arguments += ["--max-model-len", "2048", "--max-num-seqs", "32", "--language-model-only", "--enforce-eager"]
    return [str(program), *arguments, "--no-enable-prefix-caching"]


def divide_cores(*, apart: bool) -> tuple[set[int], set[int]]:
    """Those of the server, and those of the clients."""
    every = os.sched_getaffinity(0)
    last = {max(every)}
    return (every - last, last) if apart and len(every) > 1 else (every, every)


def environment(program: Path) -> dict[str, str]:
    own = {"HF_HUB_OFFLINE": "1", "VLLM_CPU_KVCACHE_SPACE": "2", "VLLM_NO_USAGE_STATS": "1"}
    kept = {key: os.environ[key] for key in ("HOME", "LANG") if key in os.environ}
    return {**kept, **own, "PATH": f"{program.parent}:{os.environ['PATH']}"}


def measure_with_ours(url: str, workload: Workload) -> dict[str, float]:
    # the miniature's tokenizer knows fewer tokens than the catalogue's models, so /tokenize is asked
    result = asyncio.run(run_benchmark(Endpoint(url=url, model=MODEL), workload, vocabulary_size=None))
    return {key: result.value(key) or 0.0 for key in FIGURES}


def write_direct_program(program: Path, folder: Path) -> Path:
    """A ``vllm`` whose HTTP sessions look at no proxy settings; everything else is the real one."""
    direct = folder / "vllm"
    direct.write_text(_DIRECT_PROGRAM.format(python=vllm_python(program)), "utf-8")
    direct.chmod(0o755)
    return direct


def measure_with_theirs(
    url: str, workload: Workload, model: Path, program: Path, seed: int
) -> tuple[dict[str, float], str]:
    arguments = bench_serve_arguments(workload, base_url=url, model=MODEL, tokenizer=str(model))
    command = ["/bin/sh", "-c", JOB_SCRIPT, "bench", str(seed), *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment(program), check=False, cwd=tempfile.gettempdir()
    )
    if done.returncode != 0:
        sys.exit(done.stdout[-2000:] + done.stderr[-3000:])
    document = parse_log(done.stdout)[0]
    return {key: float(document[key]) for key in FIGURES}, done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--apart", action="store_true")
    parser.add_argument("--record", type=Path)
    parser.add_argument("--loads", nargs="+", choices=[load.name for load in LOADS], default=[])
    arguments = parser.parse_args()
    program, model = ensure_vllm(), ensure_miniature()
    port = find_free_ports(1)[0]
    server_cores, client_cores = divide_cores(apart=arguments.apart)
    server, variables = vllm_command(model, program, port), environment(program)
    if arguments.apart:
        variables |= {"VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": str(len(server_cores))}
    loads = [load for load in LOADS if not arguments.loads or load.name in arguments.loads]
    os.sched_setaffinity(0, server_cores)  # what is started inherits it
    with (
        tempfile.TemporaryDirectory() as folder,
        serve(server, f"http://127.0.0.1:{port}", within_s=600, environment=variables) as url,
    ):
        os.sched_setaffinity(0, client_cores)
        programs = {THEIRS: program, DIRECT: write_direct_program(program, Path(folder))}
        for workload in loads:
            measure_with_ours(url, workload)  # not counted: the first load compiles and fills caches
            found: dict[str, list[dict[str, float]]] = {OURS: [], THEIRS: [], DIRECT: []}
            for number in range(arguments.rounds):
                seeded = workload.model_copy(update={"seed": number})
                found[OURS].append(measure_with_ours(url, seeded))
                for name, one in programs.items():
                    figures, log = measure_with_theirs(url, seeded, model, one, number)
                    found[name].append(figures)
                    if arguments.record is not None and name == THEIRS:
                        arguments.record.write_text(log, "utf-8")
            show(workload, found)


def show(workload: Workload, found: dict[str, list[dict[str, float]]]) -> None:
    shape = f"{workload.input_tokens} in, {workload.output_tokens} out, {workload.num_prompts} requests"
    limit = (
        f"concurrency {workload.max_concurrency}" if workload.max_concurrency else f"{workload.request_rate:g} req/s"
    )
    print(f"\n{workload.name}: {shape}, {limit}; median of {len(found[OURS])} rounds in turns", flush=True)
    columns = "".join(f"{name:>12}{'ratio':>7} {'(rounds)':16}" for name in (THEIRS, DIRECT))
    print(f"{'figure':24}{OURS:>10}{columns}", flush=True)
    for key in FIGURES:
        ours = [run[key] for run in found[OURS]]
        cells = "".join(describe_ratio(ours, [run[key] for run in found[name]]) for name in (THEIRS, DIRECT))
        print(f"{key:24}{statistics.median(ours):10.2f}{cells}", flush=True)


def describe_ratio(ours: list[float], theirs: list[float]) -> str:
    """Their median, the ratio of the medians, and the least and the greatest ratio of a round."""
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    theirs_median = statistics.median(theirs)
    spread = f"({min(ratios):.3f}-{max(ratios):.3f})"
    return f"{theirs_median:12.2f}{statistics.median(ours) / theirs_median:7.3f} {spread:16}"


if __name__ == "__main__":
    main()
