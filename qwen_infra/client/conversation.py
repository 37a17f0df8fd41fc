"""A conversation with a model, one streamed turn after another; what comes is told as it comes, thinking apart."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from qwen_infra.client.chunk import parse_event
from qwen_infra.client.endpoint import Deadlines
from qwen_infra.client.http import InferenceClient, encode_body

__all__ = ["Conversation", "Turn"]

Part = Literal["thinking", "answer"]
TURN_DEADLINES = Deadlines(first_byte_s=600, between_chunks_s=120, total_s=3600)
"""A prompt may wait behind others and be read for minutes before its first token."""


@dataclass
class Turn:
    """One answer. ``finish_reason`` is ``length`` when it was cut off."""

    thinking: str = ""
    answer: str = ""
    finish_reason: str | None = None
    output_tokens: int | None = None


@dataclass
class Conversation:
    """Messages so far, and how the next answer is asked for.

    Args:
        client: an open client.
        thinks: whether the model may think; ``None`` leaves it to the server.
        max_tokens: longest answer, thinking included; ``None`` leaves it to the server.
    """

    client: InferenceClient
    thinks: bool | None = None
    max_tokens: int | None = None
    messages: list[dict[str, str]] = field(default_factory=list)

    async def ask(self, question: str, show: Callable[[Part, str], None]) -> Turn:
        """The answer to ``question``, shown piece by piece; a question whose answer broke off is not remembered.

        Raises:
            EndpointError: no answer, or it broke.
        """
        turn = Turn()
        asked = {"role": "user", "content": question}

        def take(_: float, data: str) -> None:
            for part, piece in _read(parse_event(data), turn):
                show(part, piece)

        body = encode_body(self._body([*self.messages, asked]))
        await self.client.stream("/v1/chat/completions", body, take, deadlines=TURN_DEADLINES)
        # Qwen's chat template drops the thinking of earlier turns; so it is not sent back.
        self.messages += [asked, {"role": "assistant", "content": turn.answer}]
        return turn

    def _body(self, messages: list[dict[str, str]]) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.client.endpoint.model,
            "messages": messages,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if self.thinks is not None:
            body["chat_template_kwargs"] = {"enable_thinking": self.thinks}
        if self.max_tokens is not None:
            body["max_tokens"] = self.max_tokens
        return body


def _dicts(found: Any) -> list[dict[str, Any]]:
    """The objects of a list, whatever another server than vLLM put there."""
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _text(found: Any) -> str:
    """A piece that can be printed: half a character, which JSON can say, becomes a question mark."""
    return str(found or "").encode("utf-8", "replace").decode("utf-8")


def _read(event: dict[str, Any], turn: Turn) -> list[tuple[Part, str]]:
    """The pieces of one event, added to the turn."""
    found: list[tuple[Part, str]] = []
    for choice in _dicts(event.get("choices")):
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            delta = {}
        if thinking := _text(delta.get("reasoning")):
            turn.thinking += thinking
            found.append(("thinking", thinking))
        if answer := _text(delta.get("content")):
            turn.answer += answer
            found.append(("answer", answer))
        turn.finish_reason = str(choice.get("finish_reason") or "") or turn.finish_reason
    usage = event.get("usage")
    if isinstance(usage, dict):
        count = usage.get("completion_tokens")
        turn.output_tokens = count if isinstance(count, int) else None
    return found
