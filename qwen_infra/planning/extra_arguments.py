"""``extraArgs`` of the stack file: more flags for vLLM, but none that the program or another key decides."""

import shlex
from collections.abc import Sequence

from qwen_infra.errors import ConfigurationError
from qwen_infra.planning.server_arguments import Flag, list_flags
from qwen_infra.vllm_flags import check_command_line, load_flags

__all__ = ["read_extra_arguments"]

KEY = "qwen-infra:server.extraArgs"

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
        ConfigurationError: a line that is no command line, another key's flag, or one that vLLM refuses.
    """
    words = tuple(word for line in lines for word in _split(line))
    for word in words:
        if word.startswith("-"):
            _check_owner(word)
    check_command_line(words, where=KEY)
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
    """``-tp``, ``--max_model_len=1k``, ``--hf-overrides.a.b``: the flag's own name, without value and keys."""
    name = word.partition("=")[0].partition(".")[0]
    name = name.replace("_", "-") if name.startswith("--") else name
    flag = load_flags().get(name)
    return flag.name if flag else name


def _owned() -> dict[str, Flag]:
    return {flag.name: flag for flag in list_flags().values()}
