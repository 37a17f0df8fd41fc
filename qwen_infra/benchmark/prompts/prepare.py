"""Which way a workload's prompts are made, and the making of those that are text."""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qwen_infra.benchmark.prompts.bodies import CHAT_PATH, COMPLETIONS_PATH, common_fields
from qwen_infra.benchmark.prompts.datasets import Conversation, read_dataset
from qwen_infra.benchmark.prompts.probes import LEAD, ChatProbe, CompletionProbe, Probe
from qwen_infra.benchmark.prompts.session import Session
from qwen_infra.benchmark.prompts.token_ids import Vocabulary, build_token_sessions, draw_lengths, find_vocabulary
from qwen_infra.benchmark.prompts.words import LocalTokenizer, ServerTokenizer, Words, find_words
from qwen_infra.benchmark.workload import Workload
from qwen_infra.client import InferenceClient, encode_body
from qwen_infra.errors import ConfigurationError

__all__ = ["PromptSet", "prepare_prompts"]

_CHARACTERS_A_TOKEN = 4.0
_SAID_NOTHING = "(a tool was called)"


@dataclass(frozen=True, slots=True)
class PromptSet:
    """Everything that is needed to make the requests of any repeat.

    Args:
        workload: what is asked for.
        model: the served name.
        source: a sentence that says how the prompts are made, kept with the result.
        vocabulary: of prompts that are token ids.
        words: of prompts that are random text.
        frame_tokens: what the chat template, the tools and the words before the random ones take.
        conversations: of a data set.
    """

    workload: Workload
    model: str
    source: str
    vocabulary: Vocabulary | None = None
    words: Words | None = None
    frame_tokens: int = 0
    conversations: tuple[Conversation, ...] = ()

    @property
    def path(self) -> str:
        return CHAT_PATH if self.workload.api == "chat" else COMPLETIONS_PATH

    def with_workload(self, workload: Workload) -> "PromptSet":
        """The same prompts for another load."""
        return replace(self, workload=workload)

    def build_sessions(self, *, count: int, seed: int, purpose: str = "measure") -> list[Session]:
        """``count`` users; the same for the same seed, others for another ``purpose``."""
        if self.vocabulary is not None:
            return build_token_sessions(
                self.workload, self.vocabulary, model=self.model, count=count, purpose=purpose, seed=seed
            )
        draw = random.Random(f"{purpose} {seed}")
        talks = self._draw_random(count, draw) if self.words else self._draw_from_dataset(count, draw, purpose)
        return [self._build_session(talk, tokens) for talk, tokens in talks]

    def _draw_random(self, count: int, draw: random.Random) -> list[tuple[Conversation, int]]:
        assert self.words is not None  # the caller has looked
        workload, words = self.workload, self.words
        prefixes = [words.make(workload.prefix_tokens, draw) for _ in range(workload.num_prefixes)]
        talks = []
        for place in range(count):
            length, output_tokens = draw_lengths(workload, draw)
            own = max(length - self.frame_tokens - workload.prefix_tokens, 1)
            prefix = prefixes[place % len(prefixes)] if workload.prefix_tokens else ""
            question = {"role": "user", "content": f"{LEAD}{prefix}{words.make(own, draw)}"}
            later = tuple(f"{LEAD}{words.make(workload.turn_tokens, draw)}" for _ in range(workload.turns - 1))
            talks.append((Conversation((question,), later, output_tokens), length))
        return talks

    def _draw_from_dataset(self, count: int, draw: random.Random, purpose: str) -> list[tuple[Conversation, int]]:
        """In a drawn order, over again when there are too few; a warm-up begins at the other end."""
        order = list(self.conversations)
        random.Random(draw.random()).shuffle(order)
        if purpose != "measure":
            order.reverse()
        chosen = [order[place % len(order)] for place in range(count)]
        return [(talk, _estimate_tokens(talk.messages)) for talk in chosen]

    def _build_session(self, talk: Conversation, prompt_tokens: int) -> Session:
        workload = self.workload
        output_tokens = min(talk.output_tokens or workload.output_tokens, _most(workload))
        fields = common_fields(workload, model=self.model, output_tokens=output_tokens)
        if workload.api == "completions":
            text = "\n\n".join(message["content"] for message in talk.messages)
            return Session(encode_body({**fields, "prompt": text}), prompt_tokens, output_tokens)

        def next_body(answers: Sequence[str]) -> bytes:
            return encode_body({**fields, "messages": _grow(talk, answers)})

        turns = min(workload.turns, 1 + len(talk.later))
        return Session(next_body(()), prompt_tokens, output_tokens, turns, next_body)


async def prepare_prompts(
    client: InferenceClient, workload: Workload, *, vocabulary_size: int | None, tokenizer: Path | None = None
) -> PromptSet:
    """Find out how the workload's prompts are made for this server.

    Args:
        client: asks the server.
        workload: what is asked for.
        vocabulary_size: the model's, from the catalogue; None when unknown.
        tokenizer: a model's folder; None asks the server.

    Raises:
        EndpointError: the server answers none of the ways.
        ConfigurationError: a data set or tokenizer cannot be read, or the template leaves no room.
    """
    model = client.endpoint.model
    if workload.dataset is not None:
        return _prepare_dataset(workload, workload.dataset, model)
    if workload.api == "completions" and workload.prompt_form == "ids":
        known = LocalTokenizer(tokenizer).vocabulary() if tokenizer else None
        vocabulary = known or await find_vocabulary(client, vocabulary_size)
        return PromptSet(workload, model, vocabulary.source, vocabulary=vocabulary)
    return await _prepare_words(client, workload, tokenizer)


async def _prepare_words(client: InferenceClient, workload: Workload, tokenizer: Path | None) -> PromptSet:
    """Rows of words, as many as what stands around them leaves room for."""
    model, is_chat = client.endpoint.model, workload.api == "chat"
    fields = common_fields(workload, model=model, output_tokens=1)
    probe: Probe = ChatProbe(client, fields) if is_chat else CompletionProbe(client)
    words = await find_words(LocalTokenizer(tokenizer) if tokenizer else ServerTokenizer(client), probe)
    frame_tokens = await probe.count(LEAD)
    frame = "the chat template, the tools" if is_chat else "the words before the random ones"
    if frame_tokens + workload.prefix_tokens >= workload.input_tokens:
        raise ConfigurationError(
            f"{frame} and the shared prefix leave no token of the prompt's own",
            where="workload.input_tokens",
            found=workload.input_tokens,
            expected=f"more than {frame_tokens + workload.prefix_tokens}",
            mend="raise --input-tokens, or lower --prefix-tokens",
        )
    source = f"{words.source}; {frame_tokens} tokens of {'template' if is_chat else 'lead'}"
    return PromptSet(workload, model, source, words=words, frame_tokens=frame_tokens)


def _prepare_dataset(workload: Workload, dataset: Path, model: str) -> PromptSet:
    """Conversations of the file whose first prompt is not longer than the workload's."""
    every = read_dataset(workload.prompts, dataset)
    fitting = tuple(talk for talk in every if _estimate_tokens(talk.messages) <= workload.input_tokens)
    if not fitting:
        raise ConfigurationError(
            f"no prompt of the data set has at most {workload.input_tokens} tokens",
            where="workload.input_tokens",
            found=f"the shortest of {len(every)} has about {min(_estimate_tokens(t.messages) for t in every)}",
            mend="raise --input-tokens, or give another data set",
        )
    digest = hashlib.sha256(dataset.read_bytes()).hexdigest()[:12]
    source = f"{len(fitting)} of {len(every)} prompts of {dataset.name} (sha256 {digest}), not counted beforehand"
    return PromptSet(workload, model, source, conversations=fitting)


def _grow(talk: Conversation, answers: Sequence[str]) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = list(talk.messages)
    for answer, question in zip(answers, talk.later, strict=False):
        messages.append({"role": "assistant", "content": answer or _SAID_NOTHING})
        messages.append({"role": "user", "content": question})
    return messages


def _most(workload: Workload) -> int:
    return int(workload.output_tokens * (1 + workload.length_spread))


def _estimate_tokens(messages: Sequence[dict[str, str]]) -> int:
    return round(sum(len(message["content"]) for message in messages) / _CHARACTERS_A_TOKEN) + 1
