"""A request's body from JSON to its model, with the checks that vLLM makes beyond the form.

Unknown keys are ignored, as in vLLM; a known one that would change the answer in a way not simulated is refused.
"""

import json
import math
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from qwen_infra.simulator.api_errors import ApiError, describe_validation, refuse_unsimulated
from qwen_infra.simulator.protocol import ChatRequest, CompletionRequest, GenerationRequest

__all__ = ["parse_request"]

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

Model = TypeVar("Model", bound=BaseModel)


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
