"""Requests as pydantic models; what vLLM checks beyond their form stands in ``request_checks``."""

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from qwen_infra.simulator.answers import Choices
from qwen_infra.simulator.api_errors import ApiError, refuse_unsimulated
from qwen_infra.simulator.generation import Limits
from qwen_infra.simulator.pictures import describe_picture

__all__ = [
    "ChatRequest",
    "CompletionRequest",
    "DetokenizeRequest",
    "GenerationRequest",
    "Message",
    "TokenizeRequest",
]


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


def _read_json_schema(schema: object) -> object:
    if not isinstance(schema, str):
        return schema
    try:
        return json.loads(schema)
    except ValueError as error:
        raise ApiError.invalid(f"the JSON schema is no JSON: {error}", "structured_outputs") from error
