"""The three protocols in which the same conversation can be held; one entry each. The reading is in their modules."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from qwen_infra.verification.answer import Answer
from qwen_infra.verification.chat import ChatStream, read_chat
from qwen_infra.verification.messages import MessagesStream, read_message, to_messages_request
from qwen_infra.verification.responses import ResponsesStream, read_response, to_responses_request

__all__ = ["CHAT", "MESSAGES", "RESPONSES", "Dialect", "StreamReader"]


class StreamReader(Protocol):
    """Puts the events of a stream together."""

    end: str
    """What ends the stream: ``[DONE]``, or the type of the last event."""

    def take(self, event: dict[str, Any]) -> bool:
        """Take the next event; whether it was the last."""

    def finish(self) -> Answer:
        """The whole answer."""


class _WholeReader(Protocol):
    def __call__(self, payload: object, *, max_tokens: int) -> Answer: ...


class _StreamMaker(Protocol):
    def __call__(self, *, max_tokens: int) -> StreamReader: ...


@dataclass(frozen=True)
class Dialect:
    """A protocol.

    Args:
        path: where requests go.
        translate: the body of a chat request in this protocol's words.
        read: a whole answer.
        make_stream: a reader for one streamed answer.
        can_include_usage: whether a stream brings counts only when asked.
    """

    path: str
    translate: Callable[[dict[str, Any]], dict[str, Any]]
    read: _WholeReader
    make_stream: _StreamMaker
    can_include_usage: bool = False


CHAT = Dialect("/v1/chat/completions", dict, read_chat, ChatStream, can_include_usage=True)
RESPONSES = Dialect("/v1/responses", to_responses_request, read_response, ResponsesStream)
MESSAGES = Dialect("/v1/messages", to_messages_request, read_message, MessagesStream)
