"""Text of an exact number of tokens: for the chat API, which takes no token ids, and for prompts sent as text.

A word that is one token when a space stands before it stays one token in any row of such words, since Qwen's tokenizer
(as all byte-level ones) cuts a text at spaces before it looks for tokens. So a prompt of n tokens is what stands around
the words (the chat template, a lead), which the server counts, plus n less that many such words. Where no tokenizer can
be asked, words are calibrated against the server's ``usage`` and the result says so.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from qwen_infra.benchmark.prompts.probes import LEAD, Probe
from qwen_infra.benchmark.prompts.token_ids import Vocabulary
from qwen_infra.client import EndpointError, InferenceClient
from qwen_infra.errors import ConfigurationError

__all__ = ["LocalTokenizer", "ServerTokenizer", "Tokenizer", "Words", "find_words"]

_TEXT = (
    "When the old man walked down to the sea in the morning he saw that the boat was not there and that the men who "
    "had been at work on the dock since the day before were all gone so he sat on the wall and put his hat on his "
    "knee and let the sun warm his face for a long time it was the kind of day that makes you want to do no work at "
    "all but he had to mend the net cut the line get the oil for the lamp and ask the boy how far out the big fish "
    "now ran for it was the end of may and the wind had come from the west two days in a row and the air was hot and "
    "dry and the sky as blue as any man has ever seen it and yet the sea was low and cold and red with mud from the "
    "hill you can see why no one but a few old men and one bad dog got up to say why the boat had left its own bay"
)
_FALLBACK = tuple(sorted(set(_TEXT.split())))
_SPACE_MARKS = ("Ġ", "▁", " ")
_LEAST_WORDS = 12


class Tokenizer(Protocol):
    """Something that cuts a text into tokens."""

    source: str

    async def split(self, text: str) -> list[str]:
        """The tokens of ``text`` as the vocabulary spells them."""


class LocalTokenizer:
    """The ``tokenizer.json`` of a model's folder.

    Raises:
        ConfigurationError: the folder has none, or it cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer as Library  # only this way of counting needs it

        file = folder / "tokenizer.json" if folder.is_dir() else folder
        expected = "a model's folder with a tokenizer.json"
        if not file.is_file():
            raise ConfigurationError(
                "there is no tokenizer",
                where="--tokenizer",
                found=file,
                expected=expected,
                mend="qwen-infra download OWNER/NAME --to DIR --allow 'token*' fetches one",
            )
        try:
            self._tokenizer = Library.from_file(str(file))
        except Exception as error:
            raise ConfigurationError(
                f"the tokenizer cannot be read: {error}",
                where="--tokenizer",
                found=file,
                expected=expected,
                mend="qwen-infra download OWNER/NAME --to DIR --allow 'token*' --verify fetches it again",
            ) from error
        self.source = f"the tokenizer in {folder.name}"

    def vocabulary(self) -> Vocabulary:
        """All its tokens but the first 256, which are single bytes or special, and those that were added."""
        ids = range(256, self._tokenizer.get_vocab_size(with_added_tokens=False))
        return Vocabulary(ids, f"ids {ids[0]} to {ids[-1]} of {self.source}")

    async def split(self, text: str) -> list[str]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).tokens)


class ServerTokenizer:
    """The server's ``/tokenize``."""

    source = "the server's /tokenize"

    def __init__(self, client: InferenceClient) -> None:
        self._client = client

    async def split(self, text: str) -> list[str]:
        body = {"model": self._client.endpoint.model, "prompt": text, "add_special_tokens": False}
        payload = (await self._client.post_json("/tokenize", {**body, "return_token_strs": True})).payload
        strings = payload.get("token_strs") if isinstance(payload, dict) else None
        return [str(text) for text in strings] if isinstance(strings, list) else []


@dataclass(frozen=True, slots=True)
class Words:
    """Words to make texts of.

    Args:
        choices: the words.
        tokens_each: tokens of one with its space; exactly 1 unless it had to be calibrated.
        source: a sentence that says where they come from, kept with the result.
    """

    choices: Sequence[str]
    tokens_each: float
    source: str

    def make(self, tokens: int, draw: random.Random) -> str:
        """A text of ``tokens`` tokens that begins with a space."""
        return "".join(f" {word}" for word in draw.choices(self.choices, k=max(round(tokens / self.tokens_each), 1)))


async def find_words(tokenizer: Tokenizer, probe: Probe) -> Words:
    """Words of one token each by ``tokenizer``; by the server's own count of a prompt where that cannot be had.

    Raises:
        EndpointError: the server counts no prompt either.
    """
    try:
        words = _pick_words(await tokenizer.split(_TEXT))
        row = LEAD + "".join(f" {word}" for word in words)
        if len(words) >= _LEAST_WORDS and len(await tokenizer.split(row)) == len(words) + await _length(tokenizer):
            return Words(words, 1.0, f"{len(words)} words of one token each, by {tokenizer.source}")
        reason = f"{tokenizer.source} knows too few words of one token"
    except EndpointError as error:
        reason = error.what
    each = await _measure_words(probe, _FALLBACK)
    source = f"calibrated: {each:.2f} tokens a word by the server's usage, so lengths are about right, since {reason}"
    return Words(_FALLBACK, each, source)


async def _length(tokenizer: Tokenizer) -> int:
    return len(await tokenizer.split(LEAD))


def _pick_words(tokens: Sequence[str]) -> list[str]:
    """Whole words among the tokens: a space mark, letters, and no letters in the token after."""
    found = set()
    for token, after in zip(tokens, [*tokens[1:], " "], strict=True):
        word = token[1:]
        if token[:1] in _SPACE_MARKS and re.fullmatch("[a-z]+", word) and after[:1] in _SPACE_MARKS:
            found.add(word)
    return sorted(found)


async def _measure_words(probe: Probe, words: Sequence[str]) -> float:
    """Mean tokens of one of ``words`` with its space."""
    few = await probe.count(LEAD)
    more = await probe.count(LEAD + "".join(f" {word}" for word in words))
    return max((more - few) / len(words), 0.1)
