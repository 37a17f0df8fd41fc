"""``extraArgs`` of the stack file: more flags for vLLM, but none that the program or another key decides."""

import shlex
from collections.abc import Sequence

from qwen_infra.errors import ConfigurationError
from qwen_infra.planning.server_arguments import Flag, list_flags

__all__ = ["read_extra_arguments"]

KEY = "qwen-infra:server.extraArgs"

_SHORT = {"-tp": "--tensor-parallel-size", "-q": "--quantization", "-sc": "--speculative-config"}
"""Short names in vLLM 0.32 of flags that we set."""
_FORBIDDEN = {
    "--api-key": (
        "an API key among the arguments would stand in the process list and in the manifest",
        "use qwen-infra:endpoint.apiKey, an existing Secret, or leave it out to have a key made",
    ),
    "--model": ("the model comes from qwen-infra:model", "set qwen-infra:model.name and qwen-infra:model.precision"),
    "--config": (
        "a configuration file could contradict every other key, and nobody would see it",
        "write its flags into extraArgs",
    ),
}


def read_extra_arguments(lines: Sequence[str]) -> tuple[str, ...]:
    """The words of ``extraArgs``, split as a shell would.

    Raises:
        ConfigurationError: a line that is no command line, or a flag that belongs to another key.
    """
    words = tuple(word for line in lines for word in _split(line))
    for word in words:
        if word.startswith("-"):
            _check_owner(word)
    return words


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise ConfigurationError(
            f"this is no command line: {str(error).lower()}", where=KEY, found=line, mend="close the quotation"
        ) from None


def _check_owner(word: str) -> None:
    name = _full_name(word)
    if name in _FORBIDDEN:
        what, mend = _FORBIDDEN[name]
        raise ConfigurationError(what, where=KEY, found=word.partition("=")[0], mend=mend)
    flag = _owned().get(name)
    if flag is None:
        return
    if flag.key is None:
        raise ConfigurationError(f"{name} is set by qwen-infra itself", where=KEY, found=word, mend="leave it out")
    raise ConfigurationError(
        f"{name} is decided by qwen-infra:{flag.key}",
        where=KEY,
        found=word,
        mend=f"leave it out here and set qwen-infra:{flag.key} in the stack file",
    )


def _full_name(word: str) -> str:
    """``--max_model_len=1k`` and ``--hf-overrides.a.b`` without their values and keys, dashes for underscores."""
    name = word.partition("=")[0]
    if not name.startswith("--"):
        return _SHORT.get(name, name)
    return name.partition(".")[0].replace("_", "-")


def _owned() -> dict[str, Flag]:
    flags = list_flags().values()
    return {flag.name: flag for flag in flags} | {flag.negation: flag for flag in flags}
