"""``ApiKey``: a key made once and kept, encrypted, in the stack's state.

create: makes it. diff: never. delete: nothing to undo; the Secret that holds it is a resource of its own.
"""

import secrets
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider

__all__ = ["ApiKey", "ApiKeyProvider"]

KEY_BYTES = 32


class ApiKeyProvider(ResourceProvider):
    """Makes 256 random bits (Python's ``secrets``), URL-safe; stored by module and class name, so it must not move."""

    serialize_as_secret_always = False

    def create(self, props: Any) -> CreateResult:
        return CreateResult("api-key", {**props, "value": secrets.token_urlsafe(KEY_BYTES)})

    def diff(self, _id: str, _olds: Any, _news: Any) -> DiffResult:
        return DiffResult(changes=False)

    def read(self, id_: str, props: Any) -> ReadResult:
        return ReadResult(id_, props)


class ApiKey(Resource, module="qwen", name="ApiKey"):
    """A generated API key; ``value`` is a secret in the state and in every output made from it."""

    value: pulumi.Output[str]

    def __init__(self, name: str, parent: pulumi.Resource) -> None:
        options = pulumi.ResourceOptions(parent=parent, additional_secret_outputs=["value"])
        super().__init__(ApiKeyProvider(), name, {"value": None}, options)
