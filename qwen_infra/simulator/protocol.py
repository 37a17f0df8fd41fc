"""Requests as pydantic models, and the checks that vLLM makes on them.

Unknown keys are ignored, as in vLLM; a known one that would change the answer in a way not simulated is refused.
"""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request

from qwen_infra.simulator.answers import Choices
from qwen_infra.simulator.api_errors import ApiError, describe_validation, refuse_unsimulated
from qwen_infra.simulator.generation import Limits
from qwen_infra.simulator.pictures import describe_picture

__all__ = [
    "ChatRequest",
    "CompletionRequest",
    "DetokenizeRequest",
    "GenerationRequest",
    "Message",
    "TokenizeRequest",
    "odd_shapes_refused",
    "parse_request",
]

MAX_STOP_STRINGS = 128
MAX_LOGPROBS = 20
"""vLLM's default of ``--max-logprobs`` (0.32)."""
# Parameters of vLLM 0.32 with the values that change nothing; any other value is refused.
_NEUTRAL: dict[str, tuple[object, ...]] = {
    "n": (None, 1),
    "best_of": (None, 1),
    "use_beam_search": (None, False),
    "echo": (None, False),
    "suffix": (None, ""),
    "prompt_embeds": (None,),
    "prompt_logprobs": (None, 0),
    "logprob_token_ids": (None, []),
    "logit_bias": (None, {}),
    "allowed_token_ids": (None, []),
    "bad_words": (None, []),
    "stop_token_ids": (None, []),
    "documents": (None, []),
    "chat_template": (None,),
    "continue_final_message": (None, False),
    "add_generation_prompt": (None, True),
    "truncate_prompt_tokens": (None,),
    "thinking_token_budget": (None,),
    "repetition_detection": (None,),
    "return_token_ids": (None, False),
    "return_prompt_text": (None, False),
    "stream_interval": (None, 1),
}


class _Body(BaseModel):
    # vLLM accepts unknown keys, so forbidding them here would fail clients that work with it.
    model_config = ConfigDict(extra="ignore")


class StreamOptions(_Body):
    """``stream_options``."""

    include_usage: bool | None = False
    continuous_usage_stats: bool | None = False


class Function(_Body):
    """The function of a tool."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None


class ToolParameter(_Body):
    """One entry of ``tools``."""

    type: Literal["function"] = "function"
    function: Function


class JsonSchemaFormat(_Body):
    """``response_format.json_schema``."""

    name: str
    json_schema: dict[str, Any] | None = Field(default=None, alias="schema")


class ResponseFormat(_Body):
    """``response_format``."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchemaFormat | None = None


class Message(_Body):
    """One message; the content may come in parts, of which text and pictures are simulated."""

    role: str
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[dict[str, Any]] | None = None

    def read_text(self) -> str:
        """The content as one text, a picture as a word for it in brackets.

        Raises:
            ApiError: a part that is neither text nor picture.
        """
        if not isinstance(self.content, list):
            return self.content or ""
        return "\n".join(_read_part(part) for part in self.content)

    @property
    def has_picture(self) -> bool:
        """Whether a part of it is a picture."""
        return isinstance(self.content, list) and any("image" in str(part.get("type")) for part in self.content)


def _read_part(part: dict[str, Any]) -> str:
    kind = str(part.get("type", "text"))
    if "image" in kind:
        return f"[picture: {describe_picture(part)}]"
    if kind not in {"text", "input_text", "output_text", "refusal", "thinking"}:
        modality = next((name for name in ("audio", "video") if name in kind), kind)
        raise ApiError(f"At most 0 {modality}(s) may be provided in one prompt.")
    return str(part.get("text", ""))


class GenerationRequest(_Body):
    """What chat and plain completions have in common."""

    model: str | None = None
    max_tokens: int | None = None
    min_tokens: int = 0
    ignore_eos: bool = False
    stop: str | list[str] | None = None
    include_stop_str_in_output: bool = False
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    top_p: float | None = None
    response_format: ResponseFormat | None = None
    structured_outputs: dict[str, Any] | None = None
    request_id: str | None = None

    @property
    def wanted_max_tokens(self) -> int | None:
        """The request's own limit."""
        return self.max_tokens

    @property
    def includes_usage(self) -> bool:
        """Whether a stream ends with a usage event."""
        return bool(self.stream_options and self.stream_options.include_usage)

    @property
    def continuous_usage(self) -> bool:
        """Whether every event carries usage."""
        return self.includes_usage and bool(self.stream_options and self.stream_options.continuous_usage_stats)

    def make_limits(self, prompt_tokens: int, max_model_len: int) -> Limits:
        """How long the answer may be.

        Raises:
            ApiError: no room for one token, or more tokens demanded than allowed.
        """
        max_tokens, wanted = max_model_len - prompt_tokens, self.wanted_max_tokens
        if wanted is not None and wanted > max_model_len:
            message = (
                f"max_tokens={wanted} cannot be greater than {max_model_len=}. Please request fewer output tokens."
            )
            raise ApiError.invalid(message, "max_tokens", wanted)
        if wanted is not None:
            max_tokens = min(max_tokens, wanted)
        if max_tokens < 1:
            raise ApiError.invalid(f"max_tokens must be at least 1, got {max_tokens}.", "max_tokens", max_tokens)
        if self.min_tokens < 0:
            raise ApiError(f"min_tokens must be greater than or equal to 0, got {self.min_tokens}.")
        if self.min_tokens > max_tokens:
            message = f"min_tokens must be less than or equal to max_tokens={max_tokens}, got {self.min_tokens}."
            raise ApiError(message)
        stop = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        if "" in stop:
            raise ApiError("stop cannot contain an empty string.")
        return Limits(max_tokens, self.min_tokens, self.ignore_eos, stop, self.include_stop_str_in_output)

    def read_schema(self) -> Any:
        """JSON schema of structured output, its choices, True for any JSON object, None for text.

        Raises:
            ApiError: a kind of structured output that is not simulated.
        """
        wanted = self.structured_outputs
        if wanted:
            if wanted.get("choice"):
                return Choices(str(choice) for choice in wanted["choice"])
            if "json" in wanted:
                return _read_json_schema(wanted["json"])
            if wanted.get("json_object"):
                return True
            raise refuse_unsimulated("structured_outputs", ", ".join(wanted))
        form = self.response_format
        if form is None or form.type == "text":
            return None
        if form.type == "json_object" or form.json_schema is None:
            return True
        return form.json_schema.json_schema or True


class ChatRequest(GenerationRequest):
    """Body of /v1/chat/completions."""

    messages: list[Message] = Field(min_length=1)
    max_completion_tokens: int | None = None
    tools: list[ToolParameter] | None = None
    tool_choice: Literal["none", "auto", "required"] | dict[str, Any] | None = "none"
    parallel_tool_calls: bool | None = True
    chat_template_kwargs: dict[str, Any] | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    include_reasoning: bool = True
    logprobs: bool | None = False
    top_logprobs: int | None = 0

    @property
    def wanted_max_tokens(self) -> int | None:
        """The newer name wins, as in vLLM."""
        return self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens

    @property
    def enable_thinking(self) -> bool | None:
        """What the request says about thinking; None when it says nothing."""
        value = (self.chat_template_kwargs or {}).get("enable_thinking")
        if value is None and self.reasoning_effort is not None:
            return self.reasoning_effort != "none"
        return None if value is None else bool(value)

    @property
    def named_tool(self) -> str | None:
        """The function that ``tool_choice`` names."""
        return str(self.tool_choice["function"]["name"]) if isinstance(self.tool_choice, dict) else None

    @property
    def top_count(self) -> int | None:
        """Alternatives for each token; None when no log probabilities are wanted."""
        return (self.top_logprobs or 0) if self.logprobs else None


class CompletionRequest(GenerationRequest):
    """Body of /v1/completions."""

    prompt: str | list[int] | list[str] | list[list[int]]
    max_tokens: int | None = 16
    logprobs: int | None = None


class TokenizeRequest(_Body):
    """Body of /tokenize: a prompt or messages."""

    model: str | None = None
    prompt: str | None = None
    messages: list[Message] | None = None
    tools: list[ToolParameter] | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    return_token_strs: bool | None = False


class DetokenizeRequest(_Body):
    """Body of /detokenize."""

    model: str | None = None
    tokens: list[int]


Model = TypeVar("Model", bound=BaseModel)


@contextmanager
def odd_shapes_refused() -> Iterator[None]:
    """Refuse a body of another protocol of which some inner part is no object, list or text where one is read.

    Raises:
        ApiError: in place of the error that reading it gave.
    """
    try:
        yield
    except (AttributeError, KeyError, TypeError) as error:
        raise ApiError(f"1 validation error:\n  {error}", kind="Bad Request", param="body") from error


async def parse_request(request: Request, model: type[Model]) -> Model:
    """The request's JSON body as ``model``.

    Raises:
        ApiError: the body is no JSON, does not fit, or asks for something that vLLM refuses or that is not simulated.
    """
    media_type = request.headers.get("content-type", "").lower().split(";", maxsplit=1)[0]
    if media_type != "application/json":
        message = "1 validation error:\n  Unsupported Media Type: Only 'application/json' is allowed"
        raise ApiError(message, kind="Bad Request")
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        told = {"type": "json_invalid", "loc": "body", "msg": "JSON decode error", "ctx": {"error": str(error)}}
        raise ApiError(f"1 validation error:\n  {told}", kind="Bad Request", param="body") from error
    if issubclass(model, GenerationRequest) and isinstance(body, dict):
        _check_generation(body)
    try:
        found = model.model_validate(body)
    except ValidationError as error:
        raise describe_validation(error) from error
    _check_logprobs(found)
    return found


def _check_logprobs(body: BaseModel) -> None:
    if isinstance(body, ChatRequest):
        wanted = body.top_logprobs
    else:
        wanted = body.logprobs if isinstance(body, CompletionRequest) else None
    if wanted is not None and wanted > MAX_LOGPROBS:
        message = f"Requested sample logprobs of {wanted}, which is greater than max allowed: {MAX_LOGPROBS}"
        raise ApiError.invalid(message, "logprobs", wanted)


def _read_json_schema(schema: object) -> object:
    if not isinstance(schema, str):
        return schema
    try:
        return json.loads(schema)
    except ValueError as error:
        raise ApiError.invalid(f"the JSON schema is no JSON: {error}", "structured_outputs") from error


def _check_generation(body: dict[str, Any]) -> None:
    for parameter, neutral in _NEUTRAL.items():
        if parameter in body and body[parameter] not in neutral:
            raise refuse_unsimulated(parameter, body[parameter])
    if body.get("stream_options") and not body.get("stream"):
        raise ApiError.invalid("Stream options can only be defined when `stream=True`.", "stream_options")
    if body.get("prompt", "given") in (None, "", []):
        raise ApiError.invalid("Either prompt or prompt_embeds must be provided and non-empty.", "prompt")
    if isinstance(body.get("stop"), list) and len(body["stop"]) > MAX_STOP_STRINGS:
        raise ApiError.invalid(f"stop may hold at most {MAX_STOP_STRINGS} strings.", "stop")
    _check_ranges(body)
    _check_response_format(body)
    _check_tools(body)


def _check_ranges(body: dict[str, Any]) -> None:
    temperature, top_p = body.get("temperature"), body.get("top_p")
    if isinstance(temperature, int | float):
        if not math.isfinite(temperature):
            raise ApiError.invalid(
                f"temperature must be a finite number, got {temperature}.", "temperature", temperature
            )
        if temperature < 0:
            raise ApiError.invalid(f"temperature must be non-negative, got {temperature}.", "temperature", temperature)
        if temperature > 2:
            raise ApiError.invalid(f"temperature must be in [0, 2], got {temperature}.", "temperature", temperature)
    if isinstance(top_p, int | float) and not 0 < top_p <= 1:
        raise ApiError.invalid(f"top_p must be in (0, 1], got {top_p}.", "top_p", top_p)
    if body.get("top_logprobs") and not body.get("logprobs"):
        raise ApiError.invalid("when using `top_logprobs`, `logprobs` must be set to true.", "top_logprobs")


def _check_response_format(body: dict[str, Any]) -> None:
    form = body.get("response_format")
    if not isinstance(form, dict):
        return
    if form.get("type") == "json_schema" and form.get("json_schema") is None:
        message = "When response_format type is 'json_schema', the 'json_schema' field must be provided."
        raise ApiError.invalid(message, "response_format")
    if form.get("type") == "structural_tag":
        raise refuse_unsimulated("response_format", "structural_tag")


def _check_tools(body: dict[str, Any]) -> None:
    tools = body.get("tools")
    if tools == []:
        message = "`tools` must not be an empty array. Either provide at least one tool or omit the field entirely."
        raise ApiError.invalid(message, "tools")
    if "tool_choice" not in body and tools:
        body["tool_choice"] = "auto"
    choice = body.get("tool_choice")
    if choice in (None, "none"):
        return
    if tools is None:
        raise ApiError.invalid("When using `tool_choice`, `tools` must be set.", "tool_choice")
    if isinstance(choice, dict):
        _check_named_tool(choice, tools)
    elif choice not in ("auto", "required"):
        message = (
            f'Invalid value for `tool_choice`: {choice}! Only named tools, "none", "auto" or "required" are supported.'
        )
        raise ApiError.invalid(message, "tool_choice")


def _check_named_tool(choice: dict[str, Any], tools: object) -> None:
    usage = 'Correct usage: `{"type": "function", "function": {"name": "my_function"}}`'
    function = choice.get("function")
    if not isinstance(function, dict):
        message = f"Invalid value for `function`: `{function}` in `tool_choice`! {usage}"
        raise ApiError.invalid(message, "tool_choice.function")
    name = function.get("name")
    if not isinstance(name, str) or not name:
        message = f"Invalid `name` in `function`: `{name}` in `tool_choice`! {usage}"
        raise ApiError.invalid(message, "tool_choice.function.name")
    known = [tool["function"].get("name") for tool in tools if _has_function(tool)] if isinstance(tools, list) else []
    if name not in known:
        message = "The tool specified in `tool_choice` does not match any of the specified `tools`"
        raise ApiError.invalid(message, "tool_choice")


def _has_function(tool: object) -> bool:
    return isinstance(tool, dict) and isinstance(tool.get("function"), dict)
