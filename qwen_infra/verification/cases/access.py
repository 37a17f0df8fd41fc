"""Who may do what: the key on every guarded path, what no key guards, and what must not be there at all."""

from collections.abc import Iterable
from typing import Any

from qwen_infra.client import EndpointError, HttpStatusError, InferenceClient
from qwen_infra.errors import CheckFailedError
from qwen_infra.verification.case import Case, CaseContext, CaseSkippedError, Outcome

__all__ = ["CASES"]

FAMILY = "access"
WRONG_KEY = "sk-qwen-infra-verification-wrong-key"
GUARDED: tuple[tuple[str, str], ...] = (
    ("GET", "/v1/models"),
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/completions"),
    ("POST", "/v1/responses"),
    ("POST", "/v1/messages"),
    ("POST", "/v1/messages/count_tokens"),
)
"""What vLLM 0.32 guards of what it serves (entrypoints/serve/middleware/authenticate.py)."""
UNGUARDED: tuple[tuple[str, str], ...] = (
    ("POST", "/invocations"),
    ("POST", "/tokenize"),
    ("POST", "/detokenize"),
    ("GET", "/metrics"),
    ("GET", "/version"),
    ("GET", "/load"),
    ("GET", "/docs"),
    ("GET", "/openapi.json"),
)
"""What vLLM 0.32 answers without a key, /invocations being whole inference; for callers inside the cluster only."""
DEVELOPMENT = ("/server_info", "/is_sleeping")
"""Harmless GETs that exist with VLLM_SERVER_DEV_MODE=1 only, together with /collective_rpc and /sleep."""


async def _require_key(context: CaseContext) -> Outcome:
    return await _expect_refusals(context, GUARDED[:1])


async def _require_key_everywhere(context: CaseContext) -> Outcome:
    opened = context.deployed.open_paths
    more = () if opened is None else tuple(pair for pair in UNGUARDED if pair[1] not in opened)
    return await _expect_refusals(context, (*GUARDED, *more))


async def _expect_refusals(context: CaseContext, paths: Iterable[tuple[str, str]]) -> Outcome:
    if context.endpoint.api_key is None:
        raise CaseSkippedError("the endpoint was given without a key")
    for how, key in (("without a key", None), ("with a wrong key", WRONG_KEY)):
        async with context.client.as_caller(key) as client:
            for method, path in paths:
                status = await _try_status(client, method, path, _tiny_body(context))
                if status != 401:
                    raise CheckFailedError(f"{path} {how} answered {status}", expected="401", found=status)
    return Outcome(detail="401 without and with a wrong key", expected="401", actual="401")


async def _refuse_unguarded(context: CaseContext) -> Outcome:
    if not context.from_outside:
        raise CaseSkippedError("asked from inside, where these paths are open; --from-outside asks as a client would")
    async with context.client.as_caller(None) as client:
        for method, path in UNGUARDED:
            status = await _try_status(client, method, path, _tiny_body(context))
            if status is not None and (status < 400 or status == 422):
                raise CheckFailedError(
                    f"{path} is open to everyone outside", expected="refused by the gateway or network", found=status
                )
    return Outcome(detail=f"{len(UNGUARDED)} paths refused")


async def _refuse_development(context: CaseContext) -> Outcome:
    for path in DEVELOPMENT:
        try:
            status = (await context.client.get_json(path)).status
        except HttpStatusError as error:
            status = error.status
        if status < 400:
            raise CheckFailedError(
                f"{path} answers, so the server runs with VLLM_SERVER_DEV_MODE=1", expected="404", found=status
            )
    return Outcome(detail="no development paths")


async def _try_status(client: InferenceClient, method: str, path: str, body: dict[str, Any]) -> int | None:
    """The status that came; None when a connection was refused or cut, which keeps callers out as well."""
    try:
        if method == "GET":
            return (await client.get_json(path)).status
        return (await client.post_json(path, body)).status
    except HttpStatusError as error:
        return error.status
    except EndpointError as error:
        if error.kind == "not_json":
            return 200
        if error.kind in {"connect", "tls", "timeout"}:
            raise
        return None


def _tiny_body(context: CaseContext) -> dict[str, Any]:
    """Something that each of the paths would take."""
    model = context.endpoint.model
    return {
        "model": model,
        "messages": [{"role": "user", "content": "Hi"}],
        "prompt": "Hi",
        "input": "Hi",
        "max_tokens": 1,
    }


CASES = (
    Case(
        id="key-required",
        family=FAMILY,
        proves="the API is closed to callers without the key",
        asks="GET /v1/models without a key and with a wrong one",
        expects="401 both times",
        guards_against="a server started without VLLM_API_KEY, open to everyone who reaches it",
        deadline_s=30.0,
        run=_require_key,
        level="smoke",
    ),
    Case(
        id="key-required-everywhere",
        family=FAMILY,
        proves="every path that generates something wants the key; behind the gatekeeper every path but those it opens",
        asks="each guarded path without and with a wrong key; of a deployment /invocations, /tokenize and the like too",
        expects="401 every time",
        guards_against="new paths that the key does not guard",
        deadline_s=60.0,
        run=_require_key_everywhere,
    ),
    Case(
        id="unguarded-paths",
        family=FAMILY,
        proves="what vLLM leaves open without a key is refused outside the cluster",
        asks="/invocations, /tokenize, /metrics and the like without a key, with --from-outside",
        expects="no status below 400 and no 422, or no connection",
        guards_against="/invocations, which is whole inference without a key",
        deadline_s=60.0,
        run=_refuse_unguarded,
    ),
    Case(
        id="development-paths",
        family=FAMILY,
        proves="the development paths are off",
        asks="GET /server_info and /is_sleeping",
        expects="no status below 400",
        guards_against="VLLM_SERVER_DEV_MODE=1, with which anybody may put the server to sleep",
        deadline_s=30.0,
        run=_refuse_development,
    ),
)
