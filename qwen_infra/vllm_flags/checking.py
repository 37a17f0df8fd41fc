"""Whether vLLM's parser would accept a command line; the first thing wrong with it, with the nearest right one.

Stricter than argparse in one thing: an abbreviation (``--max-num-seq``) is refused, since it would silently mean
another flag after vLLM's next release.
"""

import difflib
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from qwen_infra.errors import ConfigurationError
from qwen_infra.vllm_flags.removed import REMOVED_FLAGS
from qwen_infra.vllm_flags.snapshot import VLLM_VERSION, VllmFlag, load_flags

__all__ = ["check_command_line"]

_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_HUMAN_INTEGER = re.compile(r"\d+|\d+(\.\d+)?[kmgt]|\d+[KMGT]")
"""vLLM's ``human_readable_int``: lower case is decimal and may have a fraction, upper case is binary."""


def check_command_line(words: Sequence[str], *, where: str) -> None:
    """Refuse what ``vllm serve MODEL`` refuses among its flags; ``words`` begins after the model.

    Raises:
        ConfigurationError: at ``where``, with the flag that was meant or the value that is accepted.
    """
    at = 0
    while at < len(words):
        word = words[at]
        following = _count_values(words, at + 1)
        if not _is_flag(word):
            raise ConfigurationError(
                "this word belongs to no flag",
                where=where,
                found=word,
                mend="put a flag before it; the model comes from qwen-infra:model",
            )
        _check_flag(word, words[at + 1 : at + 1 + following], where)
        at += 1 + following


def _check_flag(word: str, following: Sequence[str], where: str) -> None:
    name, has_value, value = word.partition("=")
    if name.startswith("-O"):
        return  # -O3, -O 3, -O=3: the optimization level
    flag_name, is_nested, _ = name.partition(".")
    flag = _find(flag_name, where)
    values = [value] if has_value else list(following)
    if is_nested:
        _check_nested(flag, name, values, where)
        return
    if has_value and following:
        raise ConfigurationError(
            f"{flag.name} has a value already",
            where=where,
            found=f"{word} {following[0]}",
            mend="write --flag=value or --flag value, once",
        )
    _check_count(flag, name, values, where)
    for item in values:
        _check_value(flag, item, where)


def _find(name: str, where: str) -> VllmFlag:
    flags = load_flags()
    written = name.replace("_", "-") if name.startswith("--") else name
    if written in flags:
        return flags[written]
    if written in REMOVED_FLAGS:
        raise ConfigurationError(
            f"vLLM {VLLM_VERSION} has no {written} any more", where=where, found=name, mend=REMOVED_FLAGS[written]
        )
    longer = [known for known in flags if known.startswith(written) and written.startswith("--")]
    near = longer or difflib.get_close_matches(written, flags, n=1, cutoff=0.6)
    meant = f", did you mean {near[0]}?" if near else ""
    raise ConfigurationError(
        f"vLLM {VLLM_VERSION} has no such flag{meant}",
        where=where,
        found=name,
        mend=f"write {near[0]} in full" if near else "look it up with `vllm serve --help=all`",
    )


def _check_nested(flag: VllmFlag, name: str, values: Sequence[str], where: str) -> None:
    """``--speculative-config.method mtp``: one value for one key of a flag that takes JSON."""
    if flag.type not in ("json", "json or text"):
        raise ConfigurationError(f"{flag.name} takes no keys", where=where, found=name, expected=flag.name)
    if len(values) != 1:
        raise ConfigurationError(
            f"{name} takes one value", where=where, found=" ".join(values) or "none", mend="give it one value"
        )


def _check_count(flag: VllmFlag, name: str, values: Sequence[str], where: str) -> None:
    least, most = {"none": (0, 0), "one": (1, 1), "optional": (0, 1), "many": (1, None)}[flag.words]
    if len(values) < least:
        raise ConfigurationError(f"{name} needs a value", where=where, expected=_describe(flag))
    if most is not None and len(values) > most:
        expected = "no value" if most == 0 else "one value"
        raise ConfigurationError(
            f"{name} takes {expected}", where=where, found=" ".join(values), mend=f"give it {expected}"
        )


def _check_value(flag: VllmFlag, value: str, where: str) -> None:
    if flag.accepts_none and value in ("", "None"):
        return
    if not _fits_type(flag, value):
        raise ConfigurationError(
            f"{flag.name} does not take this value", where=where, found=value, expected=_describe(flag)
        )
    known = [str(choice) for choice in flag.choices]
    written = value.lower().replace("-", "_") if flag.folds_case else value
    if known and written not in known:
        near = difflib.get_close_matches(written, known, n=1)
        meant = f", did you mean {near[0]}?" if near else ""
        raise ConfigurationError(
            f"{flag.name} does not take this value{meant}",
            where=where,
            found=value,
            expected=f"one of: {', '.join(known)}",
        )


def _fits_type(flag: VllmFlag, value: str) -> bool:
    try:
        _READERS[flag.type or "text"](value)
    except ValueError:
        return False
    return True


def _read_human_integer(value: str) -> None:
    if not _HUMAN_INTEGER.fullmatch(value.strip()):
        int(value)


def _read_human_integer_or_auto(value: str) -> None:
    if value.strip().lower() not in ("auto", "-1"):
        _read_human_integer(value)


def _read_json_or_text(value: str) -> None:
    """Text in braces is JSON for vLLM (``union_dict_and_str``), everything else is taken as it is."""
    if re.fullmatch(r"\s*{.*}\s*", value, re.DOTALL):
        json.loads(value)


_READERS: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "number": float,
    "text": str,
    "human integer": _read_human_integer,
    "human integer or auto": _read_human_integer_or_auto,
    "json": json.loads,
    "json or text": _read_json_or_text,
}
"""Type of a flag to what raises ``ValueError`` for a word that is none."""


def _describe(flag: VllmFlag) -> str | None:
    if flag.choices:
        return f"one of: {', '.join(map(str, flag.choices))}"
    known = {"human integer": "an integer such as 8192 or 8k", "json": "JSON", "json or text": "JSON or text"}
    known |= {"human integer or auto": "an integer such as 8192 or 8k, or auto", "integer": "an integer"}
    return known.get(flag.type or "", f"a {flag.type}" if flag.type else None)


def _count_values(words: Sequence[str], at: int) -> int:
    count = 0
    while at + count < len(words) and not _is_flag(words[at + count]):
        count += 1
    return count


def _is_flag(word: str) -> bool:
    return word.startswith("-") and len(word) > 1 and not _NUMBER.fullmatch(word)
