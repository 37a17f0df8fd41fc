"""Case ``models-listed``: the served name is listed. The reference's first request."""

from typing import Any

from qwen_infra.client import HttpStatusError, shorten
from qwen_infra.errors import CheckFailedError
from qwen_infra.verification.asking import Asked
from qwen_infra.verification.case import Case, CaseContext, Outcome
from qwen_infra.verification.conversation import SUM

__all__ = ["CASES", "find_card"]

FAMILY = "models"


async def _list_models(context: CaseContext) -> Outcome:
    card = await find_card(context)
    model = context.endpoint.model
    length = card.get("max_model_len")
    return Outcome(detail=f"{model} is served", expected=model, actual=f"{model}, {length} tokens")


async def find_card(context: CaseContext) -> dict[str, Any]:
    """The entry of /v1/models for the model under test.

    Raises:
        CheckFailedError: no list came, or another model is served.
    """
    reply = await context.client.get_json("/v1/models")
    context.request_id = reply.request_id
    listed = reply.payload.get("data") if isinstance(reply.payload, dict) else None
    if not isinstance(listed, list):
        raise CheckFailedError(
            "/v1/models answered JSON that is no list of models, so this is no OpenAI-compatible server",
            expected="an object with `data`",
            found=shorten(repr(reply.payload), 120),
        )
    cards = {str(card["id"]): card for card in listed if isinstance(card, dict) and "id" in card}
    model = context.endpoint.model
    if model not in cards:
        served = ", ".join(cards) or "none"
        raise CheckFailedError(f"{model} is not served", expected=model, found=shorten(f"served: {served}", 200))
    return cards[model]


async def _ask_for_another(context: CaseContext) -> Outcome:
    body = {**Asked(SUM).write(context), "model": f"{context.endpoint.model}-that-is-not-served"}
    try:
        status = (await context.client.post_json("/v1/chat/completions", body)).status
        message = ""
    except HttpStatusError as error:
        status, message = error.status, error.server_message
    if status != 404 or not message:
        raise CheckFailedError(
            f"a model that is not served was answered {status}", expected="404 with a message", found=message or status
        )
    return Outcome(detail="404 with a message", actual=message)


CASES = (
    Case(
        id="models-listed",
        family=FAMILY,
        proves="the server is up, takes the key and serves the model under its name",
        asks="GET /v1/models",
        expects="a list with an entry of that id",
        guards_against="a wrong --served-model-name, which every client would meet as 404",
        deadline_s=30.0,
        run=_list_models,
        level="smoke",
        is_gate=True,
    ),
    Case(
        id="unknown-model",
        family=FAMILY,
        proves="a model that is not served is refused with 404 and a message",
        asks="POST /v1/chat/completions for a name that is not served",
        expects="404 with a message",
        guards_against="gateways that send every name to some model",
        deadline_s=30.0,
        run=_ask_for_another,
    ),
)
