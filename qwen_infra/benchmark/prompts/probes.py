"""How long the server says that a text is, through the ``usage`` of a one-token answer."""

from typing import Any, Protocol

from qwen_infra.benchmark.prompts.bodies import CHAT_PATH, COMPLETIONS_PATH
from qwen_infra.client import InferenceClient
from qwen_infra.errors import ConfigurationError

__all__ = ["LEAD", "ChatProbe", "CompletionProbe", "Probe"]

LEAD = "Say:"
"""What stands before the words, so that the first of them has a space before it as the others have."""


class Probe(Protocol):
    """Something that lets the server count the tokens of a prompt, through the ``usage`` of a one-token answer."""

    async def count(self, text: str) -> int:
        """Prompt tokens of ``text`` with all that is put around it.

        Raises:
            EndpointError: the server refuses it.
            ConfigurationError: it does not say how many they were.
        """
        ...


class ChatProbe:
    """Counts a user message with the chat template around it.

    Args:
        client: asks the server.
        fields: of the body beside ``messages``: thinking and tools change the template's length.
    """

    def __init__(self, client: InferenceClient, fields: dict[str, Any]) -> None:
        self._client = client
        kept: dict[str, Any] = {key: fields[key] for key in ("model", "chat_template_kwargs", "tools") if key in fields}
        self._body = {**kept, "max_tokens": 1}

    async def count(self, text: str) -> int:
        body: dict[str, Any] = {**self._body, "messages": [{"role": "user", "content": text}]}
        return await _count(self._client, CHAT_PATH, body)


class CompletionProbe:
    """Counts a prompt that is sent as it is.

    Args:
        client: asks the server.
    """

    def __init__(self, client: InferenceClient) -> None:
        self._client = client

    async def count(self, text: str) -> int:
        body: dict[str, Any] = {"model": self._client.endpoint.model, "prompt": text, "max_tokens": 1}
        return await _count(self._client, COMPLETIONS_PATH, body)


async def _count(client: InferenceClient, path: str, body: dict[str, Any]) -> int:
    payload = (await client.post_json(path, body)).payload
    usage = payload.get("usage") if isinstance(payload, dict) else None
    tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    if not isinstance(tokens, int):
        raise ConfigurationError(
            "no text prompts of a set length can be made: the server gives no usage",
            mend="give the model's folder with --tokenizer, or use --prompt-form ids",
        )
    return tokens
