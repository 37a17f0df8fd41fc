"""What the load generator costs: CPU seconds a streamed token, streams at once, memory; against vLLM's own client.

    python benchmarks/load_client.py [--rounds 5] [--streams 32 512]

A server in a process of its own sends events of the size of vLLM's at a set pace to every stream at once. Each client
runs in a process of its own too, one after the other, several rounds; medians are printed. Clients: ours on aiohttp
(the whole load path: arrivals, deadlines, traces), ours on httpx, and the function that `vllm bench serve` uses, in
vLLM's environment (`qwen-infra local prepare`).
"""

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

OURS, HTTPX, VLLM = "ours (aiohttp)", "ours (httpx)", "vllm bench serve"
TOKENS = 256
EVENT = (
    b'data: {"id":"cmpl-8f0c1d2e3a4b5c6d7e8f90a1b2c3d4e5","object":"text_completion","created":1790000000,'
    b'"model":"qwen3.5","choices":[{"index":0,"text":" word","logprobs":null,"finish_reason":null,'
    b'"stop_reason":null,"prompt_token_ids":null,"token_ids":null}],"usage":null}\n\n'
)
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":8,"total_tokens":264,"completion_tokens":%d}}\n\n'


async def serve(listener_fd: int, pace_s: float) -> None:
    """Send one event to every stream each ``pace_s``; the whole answer has TOKENS of them."""
    import socket

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n")
                writer.write(b"Transfer-Encoding: chunked\r\n\r\n")
                due_s = asyncio.get_running_loop().time()
                for _ in range(TOKENS):
                    due_s += pace_s
                    await asyncio.sleep(due_s - asyncio.get_running_loop().time())
                    writer.write(b"%x\r\n%b\r\n" % (len(EVENT), EVENT))
                usage, done = USAGE % TOKENS, b"data: [DONE]\n\n"
                for piece in (usage, done):
                    writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                writer.write(b"0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, sock=socket.socket(fileno=listener_fd), backlog=1024)
    async with server:
        await server.serve_forever()


async def load_with_ours(url: str, streams: int, client_name: str) -> tuple[float, int, int]:
    """Mean time per token in ms, tokens, failures."""
    from qwen_infra.benchmark import Workload
    from qwen_infra.benchmark.arrivals import schedule_arrivals
    from qwen_infra.benchmark.load import LoadPlan, generate_load
    from qwen_infra.benchmark.metrics import compute_figures
    from qwen_infra.benchmark.prompts import Session
    from qwen_infra.client import Deadlines, Endpoint, InferenceClient, LoadClient

    workload = Workload(input_tokens=8, output_tokens=TOKENS, num_prompts=streams)
    plan = LoadPlan(
        path="/v1/completions",
        sessions=[Session(b'{"prompt": [1,2,3,4,5,6,7,8], "stream": true}', 8, TOKENS)] * streams,
        send_times_s=schedule_arrivals(workload, seed=0),
        deadlines=Deadlines(first_byte_s=60, between_chunks_s=60, total_s=600),
        deadline_s=600,
    )
    endpoint = Endpoint(url=url, model="qwen3.5")
    client = LoadClient(endpoint) if client_name == OURS else InferenceClient(endpoint)
    async with client as entered:
        outcome = await generate_load(entered, plan, stop=asyncio.Event(), progress=lambda _: None)
    figures = compute_figures(outcome.traces, duration_s=outcome.duration_s)
    return figures.mean_tpot_ms or 0.0, figures.total_output_tokens, figures.failed


async def load_with_vllm(url: str, streams: int) -> tuple[float, int, int]:
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
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=True) as session:
        answers = await asyncio.gather(*(async_request_openai_completions(asked, session) for _ in range(streams)))
    good = [answer for answer in answers if answer.success]
    tpots = [(answer.latency - answer.ttft) / (answer.output_tokens - 1) * 1000 for answer in good]
    return statistics.fmean(tpots or [0.0]), sum(answer.output_tokens for answer in good), len(answers) - len(good)


def run_client(name: str, url: str, streams: int) -> None:
    """Measure one client in this process, and print what it took as JSON."""
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    work = load_with_vllm(url, streams) if name == VLLM else load_with_ours(url, streams, name)
    if name == VLLM:
        import vllm.benchmarks.lib.endpoint_request_func  # type: ignore[import-not-found, unused-ignore]  # noqa: F401
    else:
        import qwen_infra.benchmark  # noqa: F401
    cpu_s = time.process_time()
    tpot_ms, tokens, failed = asyncio.run(work)
    cpu_s = time.process_time() - cpu_s
    after_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = {"cpu_us": 1e6 * cpu_s / max(tokens, 1), "tpot_ms": tpot_ms, "failed": failed}
    print(json.dumps({**found, "grown_mib": (after_kib - before_kib) / 1024}))


def measure(name: str, url: str, streams: int) -> dict[str, float]:
    from qwen_infra.local.vllm_environment import ensure_vllm, vllm_python

    python = str(vllm_python(ensure_vllm())) if name == VLLM else sys.executable
    command = [python, __file__, "client", name, url, str(streams)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "VLLM_LOGGING_LEVEL": "ERROR"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=600)
    if done.returncode != 0:
        sys.exit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(streams: int, rounds: int) -> None:
    """Print one table for one number of streams."""
    import socket

    pace_s = 0.02 if streams <= 64 else streams / 3000
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    command = [sys.executable, __file__, "serve", str(listener.fileno()), str(pace_s)]
    server = subprocess.Popen(command, pass_fds=[listener.fileno()])
    names = [OURS, VLLM, HTTPX]
    found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    try:
        for _ in range(rounds):
            for name in names:
                found[name].append(measure(name, url, streams))
    finally:
        server.terminate()
        server.wait()
    print(f"\n{streams} streams, {streams * TOKENS} tokens, set pace {pace_s * 1000:.2f} ms, median of {rounds}")
    print("client             CPU us/token  of vLLM's  tokens/CPU s  TPOT ms  failed  memory MiB")
    theirs = statistics.median(run["cpu_us"] for run in found[VLLM])
    for name in names:
        cpu_us, tpot_ms, grown = (
            statistics.median(run[key] for run in found[name]) for key in ("cpu_us", "tpot_ms", "grown_mib")
        )
        failed = sum(run["failed"] for run in found[name])
        numbers = f"{cpu_us:12.1f} {cpu_us / theirs:9.2f}x {1e6 / cpu_us:13.0f} {tpot_ms:8.2f}"
        print(f"{name:18}{numbers} {failed:7.0f} {grown:11.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--streams", type=int, nargs="+", default=[32, 512])
    arguments = parser.parse_args()
    for streams in arguments.streams:
        compare(streams, arguments.rounds)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        asyncio.run(serve(int(sys.argv[2]), float(sys.argv[3])))
    elif sys.argv[1:2] == ["client"]:
        run_client(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main()
