"""The Starlette application: every path of the simulated server and of its own control. ``__main__`` starts it."""

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from qwen_infra.errors import ConfigurationError
from qwen_infra.simulator.anthropic import answer_message, count_message_tokens
from qwen_infra.simulator.api_errors import ApiError, describe_validation
from qwen_infra.simulator.chat import answer_chat
from qwen_infra.simulator.chat_template import render_chat
from qwen_infra.simulator.completions import answer_completion
from qwen_infra.simulator.faults import FAULTS
from qwen_infra.simulator.middleware import Gate
from qwen_infra.simulator.protocol import (
    ChatRequest,
    CompletionRequest,
    DetokenizeRequest,
    TokenizeRequest,
)
from qwen_infra.simulator.request_checks import parse_request
from qwen_infra.simulator.responses import answer_response
from qwen_infra.simulator.settings import VLLM_VERSION, SimulatorSettings
from qwen_infra.simulator.simulation import Simulation
from qwen_infra.simulator.tokens import VOCABULARY_SIZE, decode, encode, token_text

__all__ = ["NOTICE", "create_app"]

NOTICE = f"simulation of vLLM {VLLM_VERSION}: there is no model and no GPU, and no figure from it is a measurement"
METRICS_MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Endpoint = Callable[[Request, Simulation], Awaitable[Response]]


def create_app(settings: SimulatorSettings) -> Starlette:
    """The application of one simulated server.

    Raises:
        ConfigurationError: a fault in ``settings`` is not known.
    """
    simulation = Simulation(settings)

    def route(path: str, method: str, endpoint: Endpoint) -> Route:
        async def call(request: Request) -> Response:
            return await endpoint(request, simulation)

        return Route(path, call, methods=[method])

    routes = [route(path, method, endpoint) for path, method, endpoint in _ENDPOINTS]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Gate, simulation=simulation)],
        exception_handlers={
            ApiError: _answer_api_error,
            HTTPException: _answer_http_error,
            ValidationError: _answer_unfit,
        },
    )


async def _answer_api_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return error.as_response()


async def _answer_unfit(_: Request, error: Exception) -> Response:
    """Of a request in another protocol that is no request for a chat once it is translated."""
    assert isinstance(error, ValidationError)
    return describe_validation(error).as_response()


async def _answer_http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"detail": error.detail}, error.status_code, error.headers)


async def _list_models(_: Request, simulation: Simulation) -> Response:
    settings = simulation.settings
    max_model_len = settings.max_model_len
    if simulation.faults.is_active("wrong-context-length"):
        max_model_len //= 2
    permission = {
        "id": "modelperm-simulated",
        "object": "model_permission",
        "created": simulation.created_s,
        "allow_create_engine": False,
        "allow_sampling": True,
        "allow_logprobs": True,
        "allow_search_indices": False,
        "allow_view": True,
        "allow_fine_tuning": False,
        "organization": "*",
        "group": None,
        "is_blocking": False,
    }
    card = {
        "id": simulation.model_name,
        "object": "model",
        "created": simulation.created_s,
        "owned_by": "vllm",
        "root": settings.model_root,
        "parent": None,
        "max_model_len": max_model_len,
        "permission": [permission],
    }
    return JSONResponse({"object": "list", "data": [card]})


async def _chat(request: Request, simulation: Simulation) -> Response:
    return await answer_chat(request, simulation, await parse_request(request, ChatRequest))


async def _complete(request: Request, simulation: Simulation) -> Response:
    return await answer_completion(request, simulation, await parse_request(request, CompletionRequest))


async def _invoke(request: Request, simulation: Simulation) -> Response:
    """SageMaker's path: full inference that no key guards, the known hole of vLLM."""
    if b'"messages"' in await request.body():
        return await _chat(request, simulation)
    return await _complete(request, simulation)


async def _tokenize(request: Request, simulation: Simulation) -> Response:
    body = await parse_request(request, TokenizeRequest)
    simulation.check_model(body.model)
    if body.messages:
        thinks = (body.chat_template_kwargs or {}).get("enable_thinking", simulation.settings.thinks_by_default)
        tools = [tool.model_dump() for tool in body.tools or ()]
        ids = encode(render_chat(body.messages, tools, is_thinking=bool(thinks)))
    elif body.prompt is not None:
        ids = encode(body.prompt)
    else:
        raise ApiError("1 validation error:\n  prompt or messages is required", kind="Bad Request", param="body.prompt")
    strings = [token_text(token_id) for token_id in ids] if body.return_token_strs else None
    max_model_len = simulation.settings.max_model_len
    return JSONResponse({"count": len(ids), "max_model_len": max_model_len, "tokens": ids, "token_strs": strings})


async def _detokenize(request: Request, simulation: Simulation) -> Response:
    body = await parse_request(request, DetokenizeRequest)
    simulation.check_model(body.model)
    wrong = next((token_id for token_id in body.tokens if not 0 <= token_id < VOCABULARY_SIZE), None)
    if wrong is not None:
        raise ApiError(f"Token id {wrong} is out of vocabulary")
    return JSONResponse({"prompt": decode(body.tokens)})


async def _show_health(_: Request, simulation: Simulation) -> Response:
    return Response(status_code=503 if simulation.faults.is_active("dead-engine") else 200)


async def _show_version(_: Request, simulation: Simulation) -> Response:
    version = "0.16.0" if simulation.faults.is_active("old-version") else VLLM_VERSION
    return JSONResponse({"version": version, "simulated": True, "notice": NOTICE})


async def _show_server_info(_: Request, simulation: Simulation) -> Response:
    if not simulation.faults.is_active("development-mode"):
        raise HTTPException(404)
    return JSONResponse({"vllm_config": "simulated"})


async def _show_load(_: Request, simulation: Simulation) -> Response:
    gauges = simulation.engine.read_gauges()
    return JSONResponse({"server_load": gauges.running + gauges.waiting})


async def _show_metrics(_: Request, simulation: Simulation) -> Response:
    text = simulation.metrics.render(simulation.engine.read_gauges())
    if simulation.faults.is_active("small-kv-cache"):
        blocks = simulation.settings.profile.cache.num_gpu_blocks
        text = text.replace(f'num_gpu_blocks="{blocks}"', f'num_gpu_blocks="{blocks * 2 // 3}"')
    return Response(text, media_type=METRICS_MEDIA_TYPE)


class FaultsRequest(BaseModel):
    """Body of POST /simulator/faults: the faults that are active from now on, all others are off."""

    model_config = ConfigDict(extra="forbid")

    faults: list[str]


def _describe_faults(simulation: Simulation) -> dict[str, Any]:
    return {"active": sorted(simulation.faults.active), "known": dict(FAULTS)}


async def _show_faults(_: Request, simulation: Simulation) -> Response:
    return JSONResponse(_describe_faults(simulation))


async def _set_faults(request: Request, simulation: Simulation) -> Response:
    body = await parse_request(request, FaultsRequest)
    try:
        simulation.faults.replace(body.faults)
    except ConfigurationError as error:
        raise ApiError(str(error), param="faults") from error
    return JSONResponse(_describe_faults(simulation))


async def _show_simulation(_: Request, simulation: Simulation) -> Response:
    settings = simulation.settings
    return JSONResponse(
        {
            "notice": NOTICE,
            "served_model_name": settings.served_model_name,
            "max_model_len": settings.max_model_len,
            "time_scale": settings.time_scale,
            "seed": settings.seed,
            "is_ready": simulation.is_ready,
            "profile": settings.profile.model_dump(),
        }
    )


_ENDPOINTS: tuple[tuple[str, str, Endpoint], ...] = (
    ("/v1/models", "GET", _list_models),
    ("/v1/chat/completions", "POST", _chat),
    ("/v1/completions", "POST", _complete),
    ("/v1/responses", "POST", answer_response),
    ("/v1/messages", "POST", answer_message),
    ("/v1/messages/count_tokens", "POST", count_message_tokens),
    ("/invocations", "POST", _invoke),
    ("/tokenize", "POST", _tokenize),
    ("/detokenize", "POST", _detokenize),
    ("/health", "GET", _show_health),
    ("/ping", "GET", _show_health),
    ("/ping", "POST", _show_health),
    ("/version", "GET", _show_version),
    ("/server_info", "GET", _show_server_info),
    ("/load", "GET", _show_load),
    ("/metrics", "GET", _show_metrics),
    ("/simulator", "GET", _show_simulation),
    ("/simulator/faults", "GET", _show_faults),
    ("/simulator/faults", "POST", _set_faults),
)
