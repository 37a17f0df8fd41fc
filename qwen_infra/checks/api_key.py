"""``ApiKey``: a key made once, or given, and kept, encrypted, in the stack's state; with the one before it.

create: makes it. update: another key, when ``rotation`` was raised or another one was given; the key before it stays
accepted unless ``keep_previous`` is false. delete: nothing to undo; the Secret that holds them is another resource.
"""

import secrets
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

__all__ = ["ApiKey", "ApiKeyProvider"]

KEY_BYTES = 32


class ApiKeyProvider(ResourceProvider):
    """Makes 256 random bits (Python's ``secrets``), URL-safe; stored by module and class name, so it must not move."""

    serialize_as_secret_always = False

    def create(self, props: Any) -> CreateResult:
        return CreateResult("api-key", {**props, "value": props.get("given") or _generate(), "previous": ""})

    def update(self, _id: str, _olds: Any, _news: Any) -> UpdateResult:
        old = _olds["value"]
        is_rotated = _is_rotated(_olds, _news)
        value = (_news.get("given") or _generate()) if is_rotated else old
        previous = old if is_rotated else _olds.get("previous", "")
        return UpdateResult({**_news, "value": value, "previous": previous if _news["keep_previous"] else ""})

    def diff(self, _id: str, _olds: Any, _news: Any) -> DiffResult:
        is_dropped = not _news["keep_previous"] and bool(_olds.get("previous"))
        return DiffResult(changes=_is_rotated(_olds, _news) or is_dropped)

    def read(self, id_: str, props: Any) -> ReadResult:
        return ReadResult(id_, props)


def _is_rotated(olds: Any, news: Any) -> bool:
    """A key that is no longer given stays: only a raised ``rotation`` or another given key makes another one."""
    given = news.get("given")
    if given:
        return bool(given != olds["value"])
    return int(news["rotation"]) > int(olds.get("rotation") or 1)


def _generate() -> str:
    return secrets.token_urlsafe(KEY_BYTES)


class ApiKey(Resource, module="qwen", name="ApiKey"):
    """An API key; ``value`` and ``previous`` are secrets in the state and in every output made from them."""

    value: pulumi.Output[str]
    previous: pulumi.Output[str]

    def __init__(
        self, name: str, *, rotation: int, given: str | None, keep_previous: bool, parent: pulumi.Resource
    ) -> None:
        options = pulumi.ResourceOptions(parent=parent, additional_secret_outputs=["value", "previous", "given"])
        inputs = {
            "rotation": rotation,
            "given": pulumi.Output.secret(given) if given else None,
            "keep_previous": keep_previous,
            "value": None,
            "previous": None,
        }
        super().__init__(ApiKeyProvider(), name, inputs, options)
