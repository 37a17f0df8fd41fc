"""From a pod's ``vllm serve`` command to the command that this machine can run. Pure; starting it is the agent's.

The simulated nodes have GPUs, this machine has none: flags that only make sense on a GPU are dropped and named, limits
are capped at what the miniature and two cores can hold, everything else reaches the server as written, so that vLLM's
own parser judges it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "Flag",
    "Launch",
    "ServeCommand",
    "VllmPaths",
    "parse_command",
    "translate_for_simulator",
    "translate_for_vllm",
]

MAX_MODEL_LEN_CAP = 16_384
"""Tokens; half of the miniature's max_position_embeddings, and what 2 GiB of KV cache hold several times."""
MAX_NUM_SEQS_CAP = 32
"""Requests at once; as many as the reference benchmark sends, more only makes two cores swap between them."""

# Flags of vLLM 0.32 without a meaning here: GPUs and their number, GPU memory and kernels, weights other than the
# miniature's, several nodes, images; and those that this translation sets itself.
# fmt: off
_DROPPED = frozenset({
    "tensor-parallel-size", "pipeline-parallel-size", "data-parallel-size", "data-parallel-size-local",
    "data-parallel-address", "data-parallel-rpc-port", "data-parallel-start-rank", "data-parallel-rank",
    "data-parallel-hybrid-lb", "data-parallel-external-lb", "data-parallel-backend", "decode-context-parallel-size",
    "enable-expert-parallel", "all2all-backend", "disable-custom-all-reduce", "enable-eplb", "nnodes", "node-rank",
    "master-addr", "master-port", "headless", "distributed-executor-backend", "gpu-memory-utilization",
    "kv-cache-memory-bytes", "quantization", "kv-cache-dtype", "dtype", "moe-backend", "attention-backend",
    "gdn-prefill-backend", "linear-backend", "mamba-ssm-cache-dtype", "mamba-cache-dtype", "mamba-block-size",
    "kv-offloading-size", "kv-offloading-backend", "kv-transfer-config", "cpu-offload-gb",
    "max-cudagraph-capture-size", "cudagraph-capture-sizes", "compilation-config", "optimization-level",
    "enforce-eager", "enable-sleep-mode", "performance-mode", "async-scheduling", "max-num-batched-tokens",
    "block-size", "load-format", "model-loader-extra-config", "revision", "tokenizer", "tokenizer-revision",
    "code-revision", "hf-overrides", "hf-token", "download-dir", "trust-remote-code", "speculative-config",
    "chat-template", "config", "language-model-only", "limit-mm-per-prompt", "mm-encoder-tp-mode",
    "mm-processor-cache-type", "mm-processor-cache-gb", "mm-processor-kwargs", "allowed-local-media-path", "host",
    "port", "uds", "ssl-keyfile", "ssl-certfile", "ssl-ca-certs",
})
# fmt: on
_SHORT = {
    "tp": "tensor-parallel-size",
    "pp": "pipeline-parallel-size",
    "dp": "data-parallel-size",
    "dpl": "data-parallel-size-local",
    "dpa": "data-parallel-address",
    "dpp": "data-parallel-rpc-port",
    "dpr": "data-parallel-start-rank",
    "dpn": "data-parallel-rank",
    "dph": "data-parallel-hybrid-lb",
    "dpe": "data-parallel-external-lb",
    "ep": "enable-expert-parallel",
    "q": "quantization",
    "n": "nnodes",
    "r": "node-rank",
    "O": "optimization-level",
    "cc": "compilation-config",
    "sc": "speculative-config",
    "ac": "attention-config",
}
_KEPT_VARIABLES = frozenset({"VLLM_API_KEY", "VLLM_LOGGING_LEVEL", "VLLM_SERVER_DEV_MODE", "VLLM_LOG_STATS_INTERVAL"})
_GUARD_VARIABLES = frozenset(
    {
        *("PYTHONPATH", "QWEN_INFRA_KEY_FOLDER", "QWEN_INFRA_KEYS", "QWEN_INFRA_OPEN_PATHS"),
        "QWEN_INFRA_MODEL_FOLDER",
    }
)
"""What the mounted middleware needs (``qwen_infra/manifests/guard.py``)."""
_SECRET_FLAGS = frozenset({"api-key", "hf-token"})

_NEGATIVE_NUMBER = re.compile(r"-\d+(\.\d+)?")
_LENGTH = re.compile(r"(?P<number>\d+(\.\d+)?)(?P<unit>[kKmMgG]?)")
# vLLM's human_readable_int: lower case is decimal, upper case binary
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "K": 2**10, "M": 2**20, "G": 2**30}


@dataclass(frozen=True)
class Flag:
    """One flag with its values; ``name`` is long, with dashes and without the leading ones."""

    name: str
    values: tuple[str, ...] = ()

    def arguments(self) -> tuple[str, ...]:
        return (f"--{self.name}", *self.values)


@dataclass(frozen=True)
class ServeCommand:
    """``vllm serve MODEL --flag value ...``, taken apart; ``model`` is None when none was given."""

    model: str | None
    flags: tuple[Flag, ...]

    def last(self, name: str) -> tuple[str, ...] | None:
        """The values of the last ``--name``, as argparse takes them; None when it is absent."""
        found = [flag.values for flag in self.flags if flag.name == name]
        return found[-1] if found else None

    def first_value(self, name: str) -> str | None:
        values = self.last(name)
        return values[0] if values else None


@dataclass(frozen=True)
class Launch:
    """What to start: arguments without the program, variables to set, and what was changed, in words for the log."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    notes: tuple[str, ...]

    def describe(self) -> str:
        """The arguments on one line, keys hidden."""
        shown: list[str] = []
        hide = False
        for argument in self.arguments:
            if argument.startswith("-"):
                hide = argument.lstrip("-") in _SECRET_FLAGS
                shown.append(argument)
            else:
                shown.append("***" if hide else argument)
        return " ".join(shown)


@dataclass(frozen=True)
class VllmPaths:
    """The folder to serve, which holds the miniature whatever the model, and the port to listen on."""

    model: Path
    port: int


def parse_command(command: Sequence[str]) -> ServeCommand:
    """Take ``["vllm", "serve", ...]`` apart. A word after a flag is its value; the model comes before the flags."""
    words = list(command[2:])
    model = words.pop(0) if words and not _is_flag(words[0]) else None
    flags: list[Flag] = []
    for word in words:
        if _is_flag(word):
            flags.append(_parse_flag(word))
        elif flags:
            flags[-1] = Flag(flags[-1].name, (*flags[-1].values, word))
    command_ = ServeCommand(model, tuple(flags))
    if model is None and (named := command_.first_value("model")):
        return ServeCommand(named, tuple(flag for flag in flags if flag.name != "model"))
    return command_


def translate_for_vllm(command: ServeCommand, environment: Mapping[str, str], paths: VllmPaths) -> Launch:
    """The same server as real vLLM on the CPU with the miniature."""
    notes = [f"simulated hardware: the miniature on this machine's CPU stands in for {command.model}"]
    kept: list[str] = []
    for flag in command.flags:
        if _is_dropped(flag.name):
            continue
        kept += _cap(flag, notes).arguments()
    dropped = [" ".join(flag.arguments()) for flag in command.flags if _is_dropped(flag.name)]
    if dropped:
        notes.append(f"dropped, they need the real machine: {', '.join(dropped)}")
    for name, cap in (("max-model-len", MAX_MODEL_LEN_CAP), ("max-num-seqs", MAX_NUM_SEQS_CAP)):
        if command.last(name) is None:
            kept += [f"--{name}", str(cap)]
    variables = {
        **_keep_variables(environment, notes),
        "HF_HUB_OFFLINE": "1",
        "VLLM_CPU_KVCACHE_SPACE": "2",  # GiB
        "VLLM_NO_USAGE_STATS": "1",
    }
    arguments = (
        *("serve", str(paths.model), "--host", "127.0.0.1", "--port", str(paths.port)),
        *kept,
        *("--language-model-only", "--enforce-eager"),
    )
    return Launch(arguments, variables, tuple(notes))


def translate_for_simulator(command: ServeCommand, environment: Mapping[str, str], port: int) -> Launch:
    """The same server as the project's simulator, which takes the few flags that change what a client sees."""
    notes = ["simulated server: nothing is computed, the timing is a profile"]
    arguments = ["--host", "127.0.0.1", "--port", str(port)]
    if command.model is not None:
        arguments += ["--model", command.model]
    arguments += ["--served-model-name", command.first_value("served-model-name") or command.model or "model"]
    length = command.first_value("max-model-len")
    tokens = parse_length(length) if length else None
    if tokens is not None:
        arguments += ["--max-model-len", str(tokens)]
    passed_on = {"default-chat-template-kwargs", "language-model-only", "middleware"}
    arguments += [word for flag in command.flags if flag.name in passed_on for word in flag.arguments()]
    variables = _keep_variables(environment, notes)
    key = command.first_value("api-key")
    if key is not None:
        variables["VLLM_API_KEY"] = key
    return Launch(tuple(arguments), variables, tuple(notes))


def parse_length(text: str) -> int | None:
    """Reads vLLM's human-readable integer (``32k`` = 32000, ``32K`` = 32768) in tokens, None for ``auto``, -1."""
    match = _LENGTH.fullmatch(text)
    return int(float(match["number"]) * _UNITS[match["unit"]]) if match else None


def _is_flag(word: str) -> bool:
    return word.startswith("-") and len(word) > 1 and not _NEGATIVE_NUMBER.fullmatch(word)


def _parse_flag(word: str) -> Flag:
    name, separator, value = word.partition("=")
    bare = name.lstrip("-").replace("_", "-")
    if not name.startswith("--"):
        bare = _SHORT.get(bare, bare)
    return Flag(bare, (value,) if separator else ())


def _is_dropped(name: str) -> bool:
    bare = name.partition(".")[0].removeprefix("no-")  # --compilation-config.level, --no-enable-expert-parallel
    return bare in _DROPPED or name in _DROPPED


def _cap(flag: Flag, notes: list[str]) -> Flag:
    caps = {"max-model-len": MAX_MODEL_LEN_CAP, "max-num-seqs": MAX_NUM_SEQS_CAP}
    cap = caps.get(flag.name)
    if cap is None or not flag.values:
        return flag
    wanted = parse_length(flag.values[0])
    automatic = flag.values[0] in ("auto", "-1")
    if automatic or (wanted is not None and wanted > cap):
        notes.append(f"--{flag.name} {flag.values[0]} capped at {cap}")
        return Flag(flag.name, (str(cap),))
    return flag


def _keep_variables(environment: Mapping[str, str], notes: list[str]) -> dict[str, str]:
    kept = _KEPT_VARIABLES | _GUARD_VARIABLES
    dropped = sorted(name for name in environment if name not in kept)
    if dropped:
        notes.append(f"variables not passed on: {', '.join(dropped)}")
    return {name: value for name, value in environment.items() if name in kept}
