"""No secret in a comment: values that are, or may be, secret are replaced before anything is compared or shown.

Pulumi shows secrets as ``[secret]`` already. This does not rely on it: whatever stands in a Secret, in a value that
Pulumi marks, beside a name that sounds like a secret, or after such a flag, is replaced, and so is every other
occurrence of the same text.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from qwen_infra.review.preview import Preview

__all__ = ["HIDDEN", "collect_secrets", "hide", "redact", "redact_preview"]

HIDDEN = "(secret)"
SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d"
"""Key by which Pulumi marks a special value (``sdk/go/common/resource/sig``)."""
_SHORTEST = 8
"""Shorter texts are not searched for elsewhere: they would hide half of every manifest."""
_NAMES = re.compile(r"(?i)(api[-_]?key|token(?!s|iz)|passw|passphrase|secret|credential|private[-_]?key)")
_REFERENCES = re.compile(r"(?i)(ref|name|names|key|keys|path|file|kind|type|mount.*)$")
"""Endings of names that say where a secret is, not what it is: ``secretName``, ``secret_key``, ``secretKeyRef``."""
_FLAGS = re.compile(r"(?i)(--[a-z-]*(?:api-key|token|password|secret)[a-z-]*)([= ])\S+")
_TOKENS = re.compile(r"\b(hf_[A-Za-z0-9]{8,}|sk-[A-Za-z0-9_-]{8,}|gh[pousr]_[A-Za-z0-9]{16,}|AKIA[0-9A-Z]{16})\b")
"""Tokens by their published prefixes: Hugging Face, OpenAI-compatible, GitHub, AWS."""


def redact_preview(preview: Preview) -> Preview:
    """The same preview without a secret in it; whatever is told of it is derived from this."""
    secrets = collect_secrets(preview)
    return Preview.model_validate(redact(preview.model_dump(mode="json", by_alias=True), secrets))


def collect_secrets(preview: Preview) -> tuple[str, ...]:
    """Every text of the preview that is a secret, the longest first; each also as base64 and decoded from it."""
    found: set[str] = set()
    for step in preview.steps:
        for state in (step.old_state, step.new_state):
            if state is not None:
                for values in (state.inputs, state.outputs):
                    found.update(_secrets_within(values))
    found |= {decoded for text in found if (decoded := _decode(text))}
    found |= {base64.b64encode(text.encode()).decode() for text in found}
    return tuple(sorted((text for text in found if len(text) >= _SHORTEST), key=lambda text: (-len(text), text)))


def redact(value: Any, secrets: Sequence[str] = ()) -> Any:
    """A copy of a JSON value with every secret replaced."""
    if isinstance(value, Mapping):
        if SECRET_SIGNATURE in value:
            return HIDDEN
        return {hide(str(key), secrets): _redact_item(value, key, item, secrets) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return _redact_words([redact(item, secrets) for item in value])
    return hide(value, secrets) if isinstance(value, str) else value


def hide(text: str, secrets: Sequence[str] = ()) -> str:
    """A text with every known secret, and whatever looks like a token, replaced."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return _TOKENS.sub(HIDDEN, _FLAGS.sub(rf"\1\2{HIDDEN}", text))


def _redact_item(owner: Mapping[str, Any], key: Any, item: Any, secrets: Sequence[str]) -> Any:
    if _is_secret_data(owner, key):
        return {str(name): HIDDEN for name in item} if isinstance(item, Mapping) else HIDDEN
    if _is_secret_value(owner, key, item):
        return HIDDEN
    return redact(item, secrets)


def _redact_words(words: list[Any]) -> list[Any]:
    """The word after a flag such as ``--api-key`` is a secret too, where they are two."""
    return [
        HIDDEN if isinstance(before, str) and _FLAGS.fullmatch(f"{before} x") else word
        for before, word in zip(["", *words], words, strict=False)
    ]


def _is_secret_data(owner: Mapping[str, Any], key: Any) -> bool:
    return owner.get("kind") == "Secret" and key in {"data", "stringData"}


def _is_secret_value(owner: Mapping[str, Any], key: Any, item: Any) -> bool:
    """A text under a name that sounds like a secret, or the value of an environment variable of such a name."""
    if not isinstance(item, str):
        return False
    if key == "value" and isinstance(owner.get("name"), str):
        return _NAMES.search(owner["name"]) is not None
    return _NAMES.search(str(key)) is not None and not _sounds_like_reference(str(key))


def _sounds_like_reference(name: str) -> bool:
    ending = _REFERENCES.search(name)
    return ending is not None and not re.search(r"(?i)(api|private)[-_]?key$", name)


def _secrets_within(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if SECRET_SIGNATURE in value:
            yield from _texts(value)
            return
        for key, item in value.items():
            if _is_secret_data(value, key) or _is_secret_value(value, key, item):
                yield from _texts(item)
            else:
                yield from _secrets_within(item)
    elif isinstance(value, list | tuple):
        for before, word in zip(["", *value], value, strict=False):
            if isinstance(before, str) and isinstance(word, str) and _FLAGS.fullmatch(f"{before} x"):
                yield word
            yield from _secrets_within(word)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key != SECRET_SIGNATURE:
                yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str) and value != "[secret]":
        yield value


def _decode(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""
