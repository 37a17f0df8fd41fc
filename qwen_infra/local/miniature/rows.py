"""The conversations as token ids: what is given, what is to be written after it, and how surely."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from transformers import PreTrainedTokenizerFast  # type: ignore[import-not-found]

from .conversations import CONTINUATIONS, CONVERSATIONS, SPELLED, Conversation, Message, Reply
from .tokenizer import END_OF_TURN

__all__ = ["Row", "make_rows"]


@dataclass(frozen=True)
class Row:
    """One reply to one prompt.

    Args:
        name: of the conversation, for messages.
        given: token ids of the prompt.
        wanted: token ids of the reply.
        shares: for each of ``wanted``, how often it is this token after all those before: 1, or less where the replies
            to the prompt part.
    """

    name: str
    given: tuple[int, ...]
    wanted: tuple[int, ...]
    shares: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.given) + len(self.wanted)


def make_rows(
    tokenizer: PreTrainedTokenizerFast, instead: Mapping[tuple[str, bool], tuple[Reply, ...]] | None = None
) -> list[Row]:
    """One row a reply: of each conversation in each of its ways of thinking, and of each continuation.

    Args:
        tokenizer: the miniature's.
        instead: other replies, by conversation and way of thinking.
    """
    rows = []
    for conversation in CONVERSATIONS:
        for thinking in conversation.modes:
            replies = (instead or {}).get((conversation.name, thinking), conversation.replies(thinking=thinking))
            name = f"{conversation.name}, thinking {'on' if thinking else 'off'}"
            rows += _make_alternatives(tokenizer, name, _write_prompt(tokenizer, conversation, thinking), replies)
    for prompt, text in CONTINUATIONS:
        rows += _make_alternatives(tokenizer, prompt, prompt, (Reply(text),))
    return rows


def _make_alternatives(
    tokenizer: PreTrainedTokenizerFast, name: str, prompt: str, replies: tuple[Reply, ...]
) -> list[Row]:
    given = _encode(tokenizer, prompt)
    written = {
        _encode(tokenizer, reply.text + ("" if reply.is_endless else END_OF_TURN)): reply.share for reply in replies
    }
    return [Row(name, given, wanted, _share_tokens(wanted, written)) for wanted in written]


def _share_tokens(wanted: tuple[int, ...], written: Mapping[tuple[int, ...], float]) -> tuple[float, ...]:
    reaching = [
        sum(share for tokens, share in written.items() if tokens[:length] == wanted[:length])
        for length in range(len(wanted) + 1)
    ]
    return tuple(after / before for before, after in pairwise(reaching))


def _write_prompt(tokenizer: PreTrainedTokenizerFast, conversation: Conversation, thinking: bool) -> str:
    text = tokenizer.apply_chat_template(
        [_read_arguments(message) for message in conversation.messages],
        tools=list(conversation.tools) or None,
        add_generation_prompt=True,
        tokenize=False,
        **({} if thinking else {"enable_thinking": False}),
    )
    return str(text)


def _read_arguments(message: Message) -> Message:
    """Arguments of calls as objects, as vLLM hands them to a template."""
    calls = [
        {**call, "function": {**call["function"], "arguments": json.loads(call["function"]["arguments"])}}
        for call in message.get("tool_calls", ())
    ]
    return {**message, "tool_calls": calls} if calls else message


def _encode(tokenizer: PreTrainedTokenizerFast, text: str) -> tuple[int, ...]:
    parts = (tokenizer(part, add_special_tokens=False).input_ids for part in text.split(SPELLED))
    return tuple(token for part in parts for token in part)
