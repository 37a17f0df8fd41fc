"""Case ``models-listed``: the served name is listed. The reference's first request."""

from typing import Any

from qwen_infra.client import shorten
from qwen_infra.errors import CheckFailedError
from qwen_infra.verification.case import Case, CaseContext, Outcome

__all__ = ["CASE"]


async def _run(context: CaseContext) -> Outcome:
    reply = await context.client.get_json("/v1/models")
    context.request_id = reply.request_id
    names = _read_names(reply.payload)
    model = context.endpoint.model
    if model not in names:
        served = ", ".join(names) or "none"
        raise CheckFailedError(f"{model} is not served", expected=model, found=shorten(f"served: {served}", 200))
    return Outcome(detail=f"{model} is served", expected=model, actual=shorten(", ".join(names)))


def _read_names(payload: Any) -> list[str]:
    listed = payload.get("data") if isinstance(payload, dict) else None
    if not isinstance(listed, list):
        raise CheckFailedError(
            "/v1/models answered JSON that is no list of models, so this is no OpenAI-compatible server",
            expected="an object with `data`",
            found=shorten(repr(payload), 120),
        )
    return [str(card["id"]) for card in listed if isinstance(card, dict) and "id" in card]


CASE = Case(
    id="models-listed",
    proves="the server is up, takes the key and serves the model under its name",
    guards_against="a wrong --served-model-name, which every client would meet as 404",
    deadline_s=30.0,
    run=_run,
)
