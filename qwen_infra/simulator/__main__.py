"""``python -m qwen_infra.simulator``: reads the command line, binds the port, says that it simulates, and serves."""

import argparse
import json
import math
import os
import signal
import socket
import sys
from collections.abc import Sequence

import anyio
import uvicorn

from qwen_infra.addresses import url_host
from qwen_infra.errors import ConfigurationError, EnvironmentMissingError, QwenInfraError
from qwen_infra.simulator.added_middleware import add_middleware
from qwen_infra.simulator.app import NOTICE, create_app
from qwen_infra.simulator.profile import load_profile
from qwen_infra.simulator.settings import SimulatorSettings

__all__ = ["main"]

BACKLOG = 2048
SHUTDOWN_S = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal comes; the exit code."""
    options = _build_parser().parse_args(arguments)
    try:
        app = add_middleware(create_app(_read_settings(options)), options.middleware)
        listener = _bind(options.host, options.port)
    except QwenInfraError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    anyio.run(anyio.sleep, 0)  # loads anyio's backend now; the first request would wait a tenth of a second for it
    host, port = listener.getsockname()[:2]
    print(NOTICE, flush=True)
    print(f"listening on http://{url_host(host)}:{port}", flush=True)
    config = uvicorn.Config(
        app,
        backlog=BACKLOG,
        log_level="error",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    # uvicorn ends its work on a signal and then raises it again for whoever was there before: this handler.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    with listener:
        uvicorn.Server(config).run(sockets=[listener])
    return 0


def _stop(*_: object) -> None:
    raise SystemExit(0)


def _build_parser() -> argparse.ArgumentParser:
    defaults = SimulatorSettings()
    parser = argparse.ArgumentParser(
        prog="python -m qwen_infra.simulator",
        description=f"A {NOTICE}. The API key comes from the environment variable VLLM_API_KEY.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, required=True, help="port to listen on; 0 takes a free one")
    parser.add_argument("--served-model-name", default=defaults.served_model_name, help="default: %(default)s")
    parser.add_argument("--model", default=defaults.model_root, help="path shown as root in /v1/models")
    parser.add_argument("--max-model-len", type=int, default=defaults.max_model_len, help="default: %(default)s")
    parser.add_argument("--profile", default="reference", help="reference, instant, or a JSON file")
    parser.add_argument("--time-scale", type=float, default=1.0, help="factor on every time; 0.1 is ten times faster")
    parser.add_argument(
        "--fault", action="append", default=[], help="a fault that is active from the start; repeatable"
    )
    parser.add_argument("--startup-seconds", type=float, default=0.0, help="seconds of 503 after the start")
    parser.add_argument("--stall-seconds", type=float, default=defaults.stall_s, help="length of the fault stall")
    parser.add_argument("--seed", type=int, default=0, help="seed of the jitter")
    parser.add_argument(
        "--default-thinking", choices=("on", "off"), default="on", help="off behaves as the 0.8B and 2B models do"
    )
    parser.add_argument("--language-model-only", action="store_true", help="vLLM's flag: refuse pictures")
    parser.add_argument("--default-chat-template-kwargs", help="vLLM's flag, for '{\"enable_thinking\": false}' only")
    parser.add_argument("--middleware", action="append", default=[], help="vLLM's flag: import path of an ASGI class")
    return parser


def _read_settings(options: argparse.Namespace) -> SimulatorSettings:
    if options.max_model_len < 1:
        raise ConfigurationError(
            "the context length is too small",
            where="--max-model-len",
            found=options.max_model_len,
            mend="--max-model-len 4096",
        )
    if not options.served_model_name:
        raise ConfigurationError(
            "the served name is empty", where="--served-model-name", mend="--served-model-name qwen3.5"
        )
    if not (math.isfinite(options.time_scale) and options.time_scale > 0):
        raise ConfigurationError(
            "the time scale is no positive number",
            where="--time-scale",
            found=options.time_scale,
            mend="use --profile instant for no waiting at all",
        )
    for name in ("startup_seconds", "stall_seconds"):
        value = getattr(options, name)
        if not (math.isfinite(value) and value >= 0):
            raise ConfigurationError(
                "a time cannot be negative",
                where=f"--{name.replace('_', '-')}",
                found=value,
                mend="give seconds from 0 up",
            )
    return SimulatorSettings(
        served_model_name=options.served_model_name,
        model_root=options.model,
        max_model_len=options.max_model_len,
        profile=load_profile(options.profile),
        time_scale=options.time_scale,
        startup_s=options.startup_seconds,
        stall_s=options.stall_seconds,
        seed=options.seed,
        api_key=os.environ.get("VLLM_API_KEY") or None,
        thinks_by_default=options.default_thinking == "on",
        default_enable_thinking=_read_default_thinking(options.default_chat_template_kwargs),
        text_only=options.language_model_only,
        faults=tuple(options.fault),
    )


def _read_default_thinking(text: str | None) -> bool | None:
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not (isinstance(value, dict) and set(value) == {"enable_thinking"} and type(value["enable_thinking"]) is bool):
        raise ConfigurationError(
            "only enable_thinking is simulated",
            where="--default-chat-template-kwargs",
            found=text,
            expected='{"enable_thinking": true} or {"enable_thinking": false}',
        )
    return bool(value["enable_thinking"])


def _bind(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise ConfigurationError("no such port", where="--port", found=port, expected="0 to 65535")
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family)
    except OSError as error:
        raise ConfigurationError(
            f"the address cannot be used: {error}", where="--host", found=host, mend="--host 127.0.0.1"
        ) from error
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise EnvironmentMissingError(
            f"cannot listen there: {error.strerror}",
            where=f"--host {host} --port {port}",
            mend="stop what uses the port, or choose another with --port (0 takes a free one)",
        ) from error
    return listener


if __name__ == "__main__":
    sys.exit(main())
