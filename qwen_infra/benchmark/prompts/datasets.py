"""Reading prompts from files: ShareGPT-like conversations, or one JSON object a line.

A ShareGPT file is a JSON list of ``{"conversations": [{"from": "human", "value": ...}, {"from": "gpt", ...}]}``.
A line of a JSONL file is ``{"prompt": "..."}`` or ``{"messages": [{"role": ..., "content": ...}, ...]}``, with an
``output_tokens`` of its own if it likes. Only texts come out; counting and sending them is done elsewhere.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qwen_infra.errors import ConfigurationError

__all__ = ["Conversation", "read_dataset"]

_HUMAN = frozenset({"human", "user"})
_ROLES = frozenset({"system", "user", "assistant", "tool"})


@dataclass(frozen=True, slots=True)
class Conversation:
    """What one user says.

    Args:
        messages: everything up to the first question, which is the last of them.
        later: the user's further messages.
        output_tokens: the data set's own limit for an answer; None when it has none.
    """

    messages: tuple[dict[str, str], ...]
    later: tuple[str, ...] = ()
    output_tokens: int | None = None


def read_dataset(kind: str, path: Path) -> list[Conversation]:
    """All conversations of a file, in its order.

    Raises:
        ConfigurationError: it cannot be read, is of another kind, or holds none; names the line or entry.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            "the data set cannot be read",
            where="workload.dataset",
            found=path,
            mend="check that it is there, readable, and UTF-8",
        ) from error
    found = list(_read_sharegpt(text, path) if kind == "sharegpt" else _read_lines(text, path))
    if not found:
        raise ConfigurationError(
            "the data set holds no prompt",
            where="workload.dataset",
            found=path,
            mend="give a file with conversations in it",
        )
    return found


def _read_sharegpt(text: str, path: Path) -> Iterator[Conversation]:
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refuse(path, f"is not JSON: {error}", 'a list of {"conversations": [...]}') from error
    if not isinstance(entries, list):
        raise _refuse(path, "is not a list", 'a list of {"conversations": [...]}')
    for entry in entries:
        parts = entry.get("conversations") if isinstance(entry, dict) else None
        asked = tuple(
            str(part["value"])
            for part in (parts if isinstance(parts, list) else ())
            if isinstance(part, dict) and str(part.get("from")) in _HUMAN and part.get("value")
        )
        if asked:
            yield Conversation(({"role": "user", "content": asked[0]},), asked[1:])


def _read_lines(text: str, path: Path) -> Iterator[Conversation]:
    expected = '{"prompt": "..."} or {"messages": [{"role": "user", "content": "..."}]}'
    for number, line in enumerate(text.split("\n"), 1):  # other ends of lines may stand within a JSON text
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise _refuse(path, f"line {number} is not JSON: {error}", expected) from error
        messages = _read_messages(entry) if isinstance(entry, dict) else None
        if messages is None:
            raise _refuse(path, f"line {number} has neither a prompt nor messages", expected)
        limit = entry.get("output_tokens")
        yield Conversation(messages, output_tokens=limit if type(limit) is int and limit > 0 else None)


def _read_messages(entry: dict[str, Any]) -> tuple[dict[str, str], ...] | None:
    prompt = entry.get("prompt")
    if isinstance(prompt, str) and prompt:
        return ({"role": "user", "content": prompt},)
    messages = entry.get("messages")
    if not isinstance(messages, list) or not messages:
        return None
    if not all(isinstance(part, dict) and str(part.get("role")) in _ROLES and part.get("content") for part in messages):
        return None
    return tuple({"role": str(part["role"]), "content": str(part["content"])} for part in messages)


def _refuse(path: Path, problem: str, expected: str) -> ConfigurationError:
    return ConfigurationError(f"the data set {problem}", where="workload.dataset", found=path, expected=expected)
