"""One clear message for a build that failed: which program, which command, its last lines, what to do instead."""

from collections.abc import Sequence
from pathlib import Path

from qwen_infra.errors import EnvironmentMissingError
from qwen_infra.toolchain.commands import CommandFailedError
from qwen_infra.toolchain.folders import CACHE_VARIABLE
from qwen_infra.toolchain.programs import BY_NAME, Lookup

_DISK_WORDS = ("no space left", "disk quota", "read-only file system")
_NETWORK_WORDS = (
    "dial tcp",
    "no such host",
    "proxyconnect",
    "i/o timeout",
    "connection refused",
    "tls handshake",
    "403 forbidden",
    "404 not found",
    "502 bad gateway",
    "503 service",
)
_PIP_NETWORK_WORDS = (
    "could not find a version",
    "connection error",
    "retrying",
    "name or service not known",
    "newconnectionerror",
)


def explain_failure(
    title: str, programs: Sequence[str], log: Path, error: CommandFailedError | OSError
) -> EnvironmentMissingError:
    """The error to raise when a step failed.

    Args:
        title: the step, for example ``etcd 3.6.14``.
        programs: what the step would have made.
        log: has the whole output.
        error: what happened.
    """
    if isinstance(error, CommandFailedError):
        lines = "".join(f"\n    {line}" for line in error.tail)
        found = f"`{_shorten(error.command)}`: {error.reason}{lines}\n    whole output in {log}"
        text = " ".join(error.tail).lower()
    else:
        found = str(error)
        text = found.lower()
    return EnvironmentMissingError(f"{title} could not be built", found=found, mend=_advise(text, programs))


def _advise(text: str, programs: Sequence[str]) -> str:
    if any(word in text for word in _DISK_WORDS):
        first = f"make room, or set {CACHE_VARIABLE} (and GOCACHE and GOMODCACHE) to a larger disk; "
    elif any(word in text for word in (*_NETWORK_WORDS, *_PIP_NETWORK_WORDS)):
        first = "check that this machine reaches its package registries (`go env GOPROXY`, `pip config list`); "
    else:
        first = ""
    return f"{first}{'or ' if first else ''}install {', '.join(map(_wanted, programs))}"


def _wanted(name: str) -> str:
    if name == "go":
        return "Go 1.26.x on PATH"
    program = BY_NAME[name]
    where = (
        "with `pulumi plugin install resource kubernetes`"
        if program.lookup is Lookup.PLUGIN_FOLDER
        else program.lookup.value
    )
    return f"{name} ({program.wanted}) {where}"


def _shorten(command: str, limit: int = 200) -> str:
    return command if len(command) <= limit else command[: limit - 4] + " ..."
