"""``ApiKey``: a key made once, or given, and kept, encrypted, in the stack's state; with the one before it.

create: makes it, or takes that of a Secret which is there already, where the stack adopts what a lost state had made.
update: another key, when ``rotation`` was raised or another one was given; the key before it stays
accepted unless ``keep_previous`` is false. delete: nothing to undo; the Secret that holds them is another resource.
"""

import secrets
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

__all__ = ["ApiKey", "ApiKeyProvider"]

KEY_BYTES = 32


class ApiKeyProvider(ResourceProvider):
    """Makes 256 random bits (Python's ``secrets``), URL-safe; stored by module and class name, so it must not move."""

    serialize_as_secret_always = False

    def create(self, props: Any) -> CreateResult:
        found, previous = _read_keys(props["adopt_from"]) if props.get("adopt_from") else ("", "")
        value = props.get("given") or found or _generate()
        if found and value != found:  # clients still have the adopted one
            previous = found if props["keep_previous"] else ""
        return CreateResult("api-key", {**props, "value": value, "previous": previous})

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


def _read_keys(adopt_from: Mapping[str, Any]) -> tuple[str, str]:
    """The key in a Secret and the one before it; empty where there is none.

    Raises:
        KubectlError: the cluster cannot be asked, so that a key in use would be lost.
    """
    from qwen_infra.checks.target import CheckTarget
    from qwen_infra.cluster.kubectl import ObjectNotFoundError

    target = CheckTarget.parse(adopt_from["target"])
    try:
        data = target.kubectl.get("--namespace", target.namespace, "secret", target.secret_name).get("data") or {}
    except ObjectNotFoundError:
        return "", ""
    found, previous = (b64decode(data.get(key, "")).decode() for key in (target.secret_key, adopt_from["previous_key"]))
    return found, previous


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
        self,
        name: str,
        *,
        rotation: int,
        given: str | None,
        keep_previous: bool,
        adopt_from: Mapping[str, Any] | None,
        parent: pulumi.Resource,
    ) -> None:
        options = pulumi.ResourceOptions(parent=parent, additional_secret_outputs=["value", "previous", "given"])
        inputs = {
            "rotation": rotation,
            "given": pulumi.Output.secret(given) if given else None,
            "keep_previous": keep_previous,
            "adopt_from": adopt_from,
            "value": None,
            "previous": None,
        }
        super().__init__(ApiKeyProvider(), name, inputs, options)
