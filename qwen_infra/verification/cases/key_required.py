"""Case ``key-required``: without the key, and with a wrong one, the server answers 401."""

from dataclasses import replace

from qwen_infra.client import Endpoint, HttpStatusError, InferenceClient
from qwen_infra.errors import CheckFailedError
from qwen_infra.verification.case import Case, CaseContext, CaseSkippedError, Outcome

__all__ = ["CASE"]

_WRONG_KEY = "sk-qwen-infra-verification-wrong-key"
_PATH = "/v1/models"


async def _run(context: CaseContext) -> Outcome:
    if context.endpoint.api_key is None:
        raise CaseSkippedError("the endpoint was given without a key")
    await _expect_refusal(replace(context.endpoint, api_key=None), "without a key")
    await _expect_refusal(replace(context.endpoint, api_key=_WRONG_KEY), "with a wrong key")
    return Outcome(detail="401 without and with a wrong key", expected="401 twice", actual="401 twice")


async def _expect_refusal(endpoint: Endpoint, how: str) -> None:
    async with InferenceClient(endpoint) as client:
        try:
            status = (await client.get_json(_PATH)).status
        except HttpStatusError as error:
            status = error.status
    if status != 401:
        raise CheckFailedError(f"{_PATH} {how} answered {status}", expected="401", found=status)


CASE = Case(
    id="key-required",
    proves="the API is closed to callers without the key",
    guards_against="a server started without VLLM_API_KEY, open to everyone who reaches it",
    deadline_s=30.0,
    run=_run,
)
