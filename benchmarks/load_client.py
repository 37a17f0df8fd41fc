"""What the load generator costs: CPU seconds a streamed token, streams at once, memory; against vLLM's own client.

    python benchmarks/load_client.py [--rounds 5] [--streams 32 512] [--at-once 1 4]

A server in a process of its own sends events of the size of vLLM's at a set pace to every stream at once. Each client
runs in a process of its own too, one after the other, several rounds; medians are printed. Clients: ours on aiohttp
(the whole load path: arrivals, deadlines, traces), ours on httpx, and the function that `vllm bench serve` uses, in
vLLM's environment (`qwen-infra local prepare`).

A second table shows what each client adds to a TTFT that is set: 24 requests in groups of 1 and of 4 with pauses
between. There vLLM's function runs once as `vllm bench serve` calls it, and once without the look at the proxy settings
that aiohttp takes before every request of a session with `trust_env`.
"""

import argparse
import asyncio
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

OURS, HTTPX, VLLM, VLLM_DIRECT = "ours (aiohttp)", "ours (httpx)", "vllm bench serve", "the same, no proxies"
TOKENS = 256
FIRST_S, PACE_S, GROUPS_APART_S, REQUESTS = 0.012, 0.002, 0.7, 24
"""Of the second table: a TTFT and a pace as the miniature's on real vLLM, and pauses that let each group end."""
EVENT = (
    b'data: {"id":"cmpl-8f0c1d2e3a4b5c6d7e8f90a1b2c3d4e5","object":"text_completion","created":1790000000,'
    b'"model":"qwen3.5","choices":[{"index":0,"text":" word","logprobs":null,"finish_reason":null,'
    b'"stop_reason":null,"prompt_token_ids":null,"token_ids":null}],"usage":null}\n\n'
)
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":8,"total_tokens":264,"completion_tokens":%d}}\n\n'


async def serve(listener_fd: int, first_s: float, pace_s: float) -> None:
    """Send each stream TOKENS events: the first ``first_s`` after its request, the others ``pace_s`` apart."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                due_s = asyncio.get_running_loop().time() + first_s
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n")
                writer.write(b"Transfer-Encoding: chunked\r\n\r\n")
                for _ in range(TOKENS):
                    await asyncio.sleep(due_s - asyncio.get_running_loop().time())
                    writer.write(b"%x\r\n%b\r\n" % (len(EVENT), EVENT))
                    due_s += pace_s
                usage, done = USAGE % TOKENS, b"data: [DONE]\n\n"
                for piece in (usage, done):
                    writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                writer.write(b"0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, sock=socket.socket(fileno=listener_fd), backlog=1024)
    async with server:
        await server.serve_forever()


@dataclass(frozen=True, slots=True)
class Found:
    """What one client found in one run: median TTFT and mean TPOT of its requests (ms), and what it cost."""

    ttft_ms: float
    tpot_ms: float
    tokens: int
    failed: int
    cpu_us: float = 0.0
    grown_mib: float = 0.0


async def load_with_ours(url: str, send_times_s: Sequence[float], client_name: str) -> Found:
    from qwen_infra.benchmark.load import LoadPlan, generate_load
    from qwen_infra.benchmark.metrics import compute_figures
    from qwen_infra.benchmark.prompts import Session
    from qwen_infra.client import Deadlines, Endpoint, InferenceClient, LoadClient

    plan = LoadPlan(
        path="/v1/completions",
        sessions=[Session(b'{"prompt": [1,2,3,4,5,6,7,8], "stream": true}', 8, TOKENS)] * len(send_times_s),
        send_times_s=send_times_s,
        deadlines=Deadlines(first_byte_s=60, between_chunks_s=60, total_s=600),
        deadline_s=600,
    )
    endpoint = Endpoint(url=url, model="qwen3.5")
    client = LoadClient(endpoint) if client_name == OURS else InferenceClient(endpoint)
    async with client as entered:
        outcome = await generate_load(entered, plan, stop=asyncio.Event(), progress=lambda _: None)
    figures = compute_figures(outcome.traces, duration_s=outcome.duration_s)
    return Found(
        figures.median_ttft_ms or 0.0, figures.mean_tpot_ms or 0.0, figures.total_output_tokens, figures.failed
    )


async def load_with_vllm(url: str, send_times_s: Sequence[float], client_name: str) -> Found:
    """Its session is the one of ``vllm/benchmarks/serve.py`` 0.32, whose ``trust_env`` is True."""
    import aiohttp
    from vllm.benchmarks.lib.endpoint_request_func import (  # type: ignore[import-not-found, unused-ignore]
        RequestFuncInput,
        async_request_openai_completions,
    )

    asked = RequestFuncInput(
        prompt=[1, 2, 3, 4, 5, 6, 7, 8],
        api_url=f"{url}/v1/completions",
        prompt_len=8,
        output_len=TOKENS,
        model="qwen3.5",
    )
    connector = aiohttp.TCPConnector(limit=0, limit_per_host=0, ttl_dns_cache=300, keepalive_timeout=60)
    timeout = aiohttp.ClientTimeout(total=6 * 60 * 60)
    session = aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=client_name == VLLM)
    tasks = []
    async with session:
        began_s = time.perf_counter()
        for send_time_s in send_times_s:
            wait_s = began_s + send_time_s - time.perf_counter()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            tasks.append(asyncio.create_task(async_request_openai_completions(asked, session)))
        answers = await asyncio.gather(*tasks)
    good = [answer for answer in answers if answer.success]
    tpots = [(answer.latency - answer.ttft) / (answer.output_tokens - 1) * 1000 for answer in good]
    ttfts = [answer.ttft * 1000 for answer in good]
    tokens = sum(answer.output_tokens for answer in good)
    return Found(statistics.median(ttfts or [0.0]), statistics.fmean(tpots or [0.0]), tokens, len(answers) - len(good))


def run_client(name: str, url: str, send_times_s: Sequence[float]) -> None:
    """Measure one client in this process, and print what it took as JSON."""
    is_vllm = name in (VLLM, VLLM_DIRECT)
    if is_vllm:
        import vllm.benchmarks.lib.endpoint_request_func  # type: ignore[import-not-found, unused-ignore]  # noqa: F401
    else:
        import qwen_infra.benchmark  # noqa: F401
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cpu_s = time.process_time()
    load = load_with_vllm if is_vllm else load_with_ours
    found = asyncio.run(load(url, send_times_s, name))
    cpu_s = time.process_time() - cpu_s
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib
    cost = {"cpu_us": 1e6 * cpu_s / max(found.tokens, 1), "grown_mib": grown_kib / 1024}
    print(json.dumps({**asdict(found), **cost}))


def measure(name: str, url: str, send_times_s: Sequence[float]) -> Found:
    """One client in a process of its own."""
    from qwen_infra.local.vllm_environment import ensure_vllm, vllm_python

    python = str(vllm_python(ensure_vllm())) if name in (VLLM, VLLM_DIRECT) else sys.executable
    command = [python, __file__, "client", name, url, json.dumps(send_times_s)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "VLLM_LOGGING_LEVEL": "ERROR"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=600)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return Found(**json.loads(done.stdout.splitlines()[-1]))


def measure_in_turns(
    names: Sequence[str], send_times_s: Sequence[float], *, first_s: float, pace_s: float, rounds: int
) -> dict[str, list[Found]]:
    """Each client ``rounds`` times against one server of its own process."""
    found: dict[str, list[Found]] = {name: [] for name in names}
    with serve_in_a_process(first_s, pace_s) as url:
        for _ in range(rounds):
            for name in names:
                found[name].append(measure(name, url, send_times_s))
    return found


@contextmanager
def serve_in_a_process(first_s: float, pace_s: float) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    command = [sys.executable, __file__, "serve", str(listener.fileno()), str(first_s), str(pace_s)]
    server = subprocess.Popen(command, pass_fds=[listener.fileno()])
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.terminate()
        server.wait()
        listener.close()


def compare_cost(streams: int, rounds: int) -> None:
    """Print the first table for one number of streams."""
    pace_s = 0.02 if streams <= 64 else streams / 3000
    names = (OURS, VLLM, HTTPX)
    found = measure_in_turns(names, [0.0] * streams, first_s=pace_s, pace_s=pace_s, rounds=rounds)
    print(f"\n{streams} streams, {streams * TOKENS} tokens, set pace {pace_s * 1000:.2f} ms, median of {rounds}")
    print("client             CPU us/token  of vLLM's  tokens/CPU s  TPOT ms  failed  memory MiB")
    theirs = statistics.median(run.cpu_us for run in found[VLLM])
    for name, runs in found.items():
        cpu_us = statistics.median(run.cpu_us for run in runs)
        tpot_ms = statistics.median(run.tpot_ms for run in runs)
        grown_mib = statistics.median(run.grown_mib for run in runs)
        failed = sum(run.failed for run in runs)
        numbers = f"{cpu_us:12.1f} {cpu_us / theirs:9.2f}x {1e6 / cpu_us:13.0f} {tpot_ms:8.2f}"
        print(f"{name:18}{numbers} {failed:7d} {grown_mib:11.1f}", flush=True)


def compare_first_tokens(at_once: int, rounds: int) -> None:
    """Print the second table for one size of groups."""
    send_times_s = [GROUPS_APART_S * (place // at_once) for place in range(REQUESTS)]
    found = measure_in_turns((OURS, VLLM, VLLM_DIRECT), send_times_s, first_s=FIRST_S, pace_s=PACE_S, rounds=rounds)
    shape = f"{REQUESTS} requests, {at_once} at once, set TTFT {FIRST_S * 1000:.2f} ms"
    print(f"\n{shape}; median of {rounds} rounds' median TTFT")
    print("client               TTFT ms  off by ms  failed")
    for name, runs in found.items():
        ttft_ms = statistics.median(run.ttft_ms for run in runs)
        failed = sum(run.failed for run in runs)
        print(f"{name:20}{ttft_ms:8.2f} {ttft_ms - FIRST_S * 1000:10.2f} {failed:7d}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--streams", type=int, nargs="*", default=[32, 512])
    parser.add_argument("--at-once", type=int, nargs="*", default=[1, 4])
    arguments = parser.parse_args()
    for streams in arguments.streams:
        compare_cost(streams, arguments.rounds)
    for at_once in arguments.at_once:
        compare_first_tokens(at_once, arguments.rounds)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        asyncio.run(serve(int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])))
    elif sys.argv[1:2] == ["client"]:
        run_client(sys.argv[2], sys.argv[3], json.loads(sys.argv[4]))
    else:
        main()
