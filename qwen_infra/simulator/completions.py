"""/v1/completions: text or token ids, one prompt or several, as a body or as events, in vLLM's shapes."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from qwen_infra.simulator.answers import Conversation, complete_text, write_structured
from qwen_infra.simulator.api_errors import ApiError
from qwen_infra.simulator.distortion import ReplyContext, distort_reply
from qwen_infra.simulator.generation import Piece, TokenPlan, plan_tokens
from qwen_infra.simulator.middleware import ARRIVED_KEY
from qwen_infra.simulator.protocol import CompletionRequest
from qwen_infra.simulator.reply import Reply
from qwen_infra.simulator.simulation import Identity, Simulation
from qwen_infra.simulator.streaming import Answer, respond_with_body, respond_with_stream
from qwen_infra.simulator.tokens import VOCABULARY_SIZE, decode, encode
from qwen_infra.simulator.wire import make_event, make_usage, quote, to_json, token_logprobs

__all__ = ["answer_completion"]

MAX_PROMPTS = 1024
_FILLER_CONTINUATION = " This is a simulated continuation: no model has read the prompt."


async def answer_completion(request: Request, simulation: Simulation, body: CompletionRequest) -> Response:
    """The response to one completion request.

    Raises:
        ApiError: the request cannot be served.
    """
    simulation.check_engine()
    simulation.check_model(body.model)
    arrived_s = request.scope[ARRIVED_KEY]
    answers = [Answer(prompt_ids, _plan(simulation, body, prompt_ids), arrived_s) for prompt_ids in _read_prompts(body)]
    faults = simulation.faults
    completion = _Completion(
        request=body,
        identity=simulation.identify("cmpl", body.request_id),
        answers=answers,
        usage_factor=None if faults.is_active("missing-usage") else 2 if faults.is_active("wrong-usage") else 1,
    )
    if body.stream:
        writers = [_CompletionWriter(completion, index) for index in range(len(answers))]
        return respond_with_stream(simulation, answers, writers, completion.make_usage_events)
    return await respond_with_body(request, simulation, answers, lambda: _build_body(completion))


@dataclass(frozen=True)
class _Completion:
    """The answers of one request with what their body and events need."""

    request: CompletionRequest
    identity: Identity
    answers: list[Answer]
    usage_factor: int | None

    def make_usage(self) -> dict[str, Any]:
        """``usage`` over all prompts."""
        factor = self.usage_factor or 1
        prompt_tokens = sum(len(answer.prompt_ids) for answer in self.answers)
        completion_tokens = sum(len(answer.plan.pieces) for answer in self.answers)
        return make_usage(prompt_tokens * factor, completion_tokens * factor, None)

    def make_head(self) -> dict[str, Any]:
        """The keys that every event starts with."""
        identity = self.identity
        return {
            "id": identity.id,
            "object": "text_completion",
            "created": identity.created_s,
            "model": identity.model,
        }

    def make_usage_events(self) -> list[bytes]:
        """The usage event, if it is wanted."""
        if not self.request.includes_usage or self.usage_factor is None:
            return []
        event = {"choices": [], "usage": self.make_usage(), "system_fingerprint": self.identity.fingerprint}
        return [make_event(self.make_head() | event)]


def _read_prompts(body: CompletionRequest) -> list[list[int]]:
    prompt = body.prompt
    if isinstance(prompt, str):
        prompts = [encode(prompt)]
    elif all(isinstance(item, int) for item in prompt):
        prompts = [[item for item in prompt if isinstance(item, int)]]
    else:
        prompts = [encode(item) if isinstance(item, str) else item for item in prompt if not isinstance(item, int)]
    if len(prompts) > MAX_PROMPTS:
        message = f"prompt list length {len(prompts)} exceeds the maximum allowed count of {MAX_PROMPTS}."
        raise ApiError.invalid(message, "prompt")
    for ids in prompts:
        if not ids:
            raise ApiError("The decoder prompt cannot be empty")
        wrong = max(ids) if max(ids) >= VOCABULARY_SIZE else min(ids)
        if not 0 <= wrong < VOCABULARY_SIZE:
            raise ApiError(f"Token id {wrong} is out of vocabulary")
    return prompts


def _plan(simulation: Simulation, body: CompletionRequest, prompt_ids: list[int]) -> TokenPlan:
    simulation.check_length(len(prompt_ids))
    limits = body.make_limits(len(prompt_ids), simulation.settings.max_model_len)
    prompt = decode(prompt_ids[-200:])
    schema = body.read_schema()
    if schema is None:
        text = complete_text(prompt) or _FILLER_CONTINUATION
    else:
        text = write_structured(schema, Conversation([("user", prompt)]))
    context = ReplyContext([], is_thinking=False, is_chinese=False, has_schema=schema is not None)
    reply = simulation.swap_reply(distort_reply(Reply(content=text), context, simulation.faults))
    reply = Reply(content=reply.content if reply.content is not None else reply.reasoning)
    return plan_tokens(reply, limits, simulation.faults)


def _build_body(completion: _Completion) -> dict[str, Any]:
    choices = [
        {
            "index": index,
            "text": _text_of(answer.plan.pieces),
            "logprobs": _make_logprobs(answer.plan.pieces, completion.request.logprobs),
            "finish_reason": answer.plan.finish_reason,
            "stop_reason": answer.plan.stop_reason,
            "token_ids": None,
            "prompt_logprobs": None,
            "prompt_token_ids": None,
            "routed_experts": None,
        }
        for index, answer in enumerate(completion.answers)
    ]
    details = {"prompt_tokens_details": None, "completion_tokens_details": None}
    body = completion.make_head() | {
        "choices": choices,
        "service_tier": None,
        "system_fingerprint": completion.identity.fingerprint,
        "usage": completion.make_usage() | details,
        "kv_transfer_params": None,
        "ec_transfer_params": None,
        "metrics": None,
    }
    if completion.usage_factor is None:
        del body["usage"]
    return body


def _text_of(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def _make_logprobs(pieces: list[Piece], count: int | None, first_offset: int = 0) -> dict[str, Any] | None:
    if count is None:
        return None
    ranked = [token_logprobs(piece, max(count, 1)) for piece in pieces]
    offsets, offset = [], first_offset
    for piece in pieces:
        offsets.append(offset)
        offset += len(piece.raw)
    return {
        "text_offset": offsets,
        "token_logprobs": [entries[0][1] for entries in ranked],
        "tokens": [entries[0][0] for entries in ranked],
        "top_logprobs": [dict(entries) for entries in ranked],
    }


class _CompletionWriter:
    """The events of one prompt's completion."""

    def __init__(self, completion: _Completion, index: int) -> None:
        self._completion = completion
        self._index = index
        self._plan: TokenPlan = completion.answers[index].plan
        self._prompt_tokens = len(completion.answers[index].prompt_ids)
        self._offset = 0
        self._head = completion.make_head()
        request = completion.request
        self._has_plain_events = request.logprobs is None and not request.continuous_usage
        self._start = b"data: " + to_json(self._head)[:-1] + b',"choices":[{"index":%d,"text":' % index
        self._end = (
            b',"logprobs":null,"finish_reason":null,"stop_reason":null,"prompt_token_ids":null,"token_ids":null}]}\n\n'
        )

    def open(self) -> list[bytes]:
        """Completions start with their first token."""
        return []

    def write(self, start: int, stop: int) -> bytes:
        """The event for these tokens; every token gives one, even without text."""
        pieces = self._plan.take(start, stop)
        is_last = stop == self._plan.output_tokens
        if self._has_plain_events and not is_last:
            text = pieces[0].text if len(pieces) == 1 else _text_of(pieces)
            return self._start + quote(text) + self._end
        request = self._completion.request
        choice = {
            "index": self._index,
            "text": _text_of(pieces),
            "logprobs": _make_logprobs(pieces, request.logprobs, self._offset),
            "finish_reason": self._plan.finish_reason if is_last else None,
            "stop_reason": self._plan.stop_reason if is_last else None,
            "prompt_token_ids": None,
            "token_ids": None,
        }
        self._offset += sum(len(piece.raw) for piece in pieces)
        event = self._head | {"choices": [choice]}
        if request.continuous_usage:
            event["usage"] = make_usage(self._prompt_tokens, stop, None)
        if is_last and not request.includes_usage:
            event["system_fingerprint"] = self._completion.identity.fingerprint
        return make_event(event)

    def close(self) -> list[bytes]:
        """The usage event is the request's, not one prompt's."""
        return []
