"""Random prompts of an exact number of tokens, sent as token ids, and which ids they are drawn from.

Token ids need no tokenizer on this side and cannot come out longer or shorter (docs/adr/0003). Which ids the server
knows is found by asking it.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from qwen_infra.benchmark.prompts.bodies import common_fields
from qwen_infra.benchmark.prompts.session import Session
from qwen_infra.benchmark.workload import Workload
from qwen_infra.client import EndpointError, HttpStatusError, InferenceClient, encode_body
from qwen_infra.errors import ConfigurationError

__all__ = ["SAMPLE_TEXT", "Vocabulary", "build_token_sessions", "draw_lengths", "find_vocabulary"]

# Byte-level vocabularies hold the single bytes (or a small model's special tokens) first, and Qwen's keep their special
# tokens last (248044 and up of 248320). An image placeholder drawn by chance would ask the server for an image.
_RESERVED_HEAD = 256
_RESERVED_TAIL = 1024

SAMPLE_TEXT = (
    "The quick brown fox jumps over the lazy dog while 17 engineers measure latency, throughput and memory. "
    "def main(argv: list[str]) -> int: return sum(len(word) for word in argv) % 7  # café, naïve, Ångström "
    "大语言模型的推理服务需要测量首个词元的延迟、每个词元的时间和总吞吐量。今天天气很好,我们去公园散步吧。 "
    '{"name": "get_weather", "arguments": {"city": "Berlin", "days": 3, "metric": true}} '
    "SELECT model, AVG(ttft_ms) FROM runs WHERE gpu = 'GB200' GROUP BY model ORDER BY 2 DESC LIMIT 10; "
    "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich; les élèves étudient près de la forêt."
)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The token ids that prompts are drawn from.

    Args:
        token_ids: without special tokens.
        source: a sentence that says where they come from, kept with the result.
    """

    token_ids: Sequence[int]
    source: str


async def find_vocabulary(client: InferenceClient, vocabulary_size: int | None) -> Vocabulary:
    """The ids of the catalogue's vocabulary when the server takes its last one, else those of a tokenized text.

    Args:
        client: asks the server.
        vocabulary_size: the catalogue's; None when the model is unknown.

    Raises:
        EndpointError: the server answers neither way.
        ConfigurationError: the server has too few tokens to draw from.
    """
    refusal = "the vocabulary size is not known"
    if vocabulary_size is not None and vocabulary_size > _RESERVED_HEAD + _RESERVED_TAIL:
        body = {"model": client.endpoint.model, "prompt": [vocabulary_size - 1], "max_tokens": 1}
        try:
            await client.post_json("/v1/completions", body)
        except HttpStatusError as error:
            if error.status not in {400, 422}:
                raise
            refusal = f"the server refuses token {vocabulary_size - 1}"
        else:
            ids = range(_RESERVED_HEAD, vocabulary_size - _RESERVED_TAIL)
            return Vocabulary(ids, f"ids {ids[0]} to {ids[-1]} of a vocabulary of {vocabulary_size}")
    return await _tokenize_sample(client, refusal)


async def _tokenize_sample(client: InferenceClient, refusal: str) -> Vocabulary:
    body = {"model": client.endpoint.model, "prompt": SAMPLE_TEXT, "add_special_tokens": False}
    try:
        payload = (await client.post_json("/tokenize", body)).payload
    except EndpointError as error:
        error.what = f"no prompts of an exact length can be made: {refusal}, and {error.what}"
        raise
    tokens = payload.get("tokens") if isinstance(payload, dict) else None
    ids = sorted({token for token in tokens if type(token) is int}) if isinstance(tokens, list) else []
    if len(ids) < 2:
        raise ConfigurationError(
            "no prompts of an exact length can be made: /tokenize gives too few tokens",
            found=len(ids),
            expected=2,
            mend="use --prompt-form text, or give the model's folder with --tokenizer",
        )
    return Vocabulary(ids, f"{len(ids)} ids that /tokenize gives for a fixed text, since {refusal}")


def build_token_sessions(
    workload: Workload, vocabulary: Vocabulary, *, model: str, count: int, purpose: str, seed: int
) -> list[Session]:
    """``count`` different prompts; those of one group begin with the same ``prefix_tokens``.

    ``purpose`` gives warm-ups other prompts and prefixes than the measured ones.
    """
    draw = random.Random(f"{purpose} {seed}")
    prefixes = [draw.choices(vocabulary.token_ids, k=workload.prefix_tokens) for _ in range(workload.num_prefixes)]
    sessions = []
    for place in range(count):
        prefix = prefixes[place % len(prefixes)]
        length, output_tokens = draw_lengths(workload, draw)
        prompt = prefix + draw.choices(vocabulary.token_ids, k=length - len(prefix))
        body = {**common_fields(workload, model=model, output_tokens=output_tokens), "prompt": prompt}
        sessions.append(Session(encode_body(body), length, output_tokens))
    return sessions


def draw_lengths(workload: Workload, draw: random.Random) -> tuple[int, int]:
    """Lengths of one prompt and its answer: even within the workload's spread, the prompt longer than its prefix."""
    spread = workload.length_spread
    if not spread:
        return workload.input_tokens, workload.output_tokens
    low, high = (int(workload.input_tokens * (1 + sign * spread)) for sign in (-1, 1))
    length = draw.randint(max(low, workload.prefix_tokens + 1), max(high, workload.prefix_tokens + 1))
    low, high = (int(workload.output_tokens * (1 + sign * spread)) for sign in (-1, 1))
    return length, draw.randint(max(low, 1), max(high, 1))
