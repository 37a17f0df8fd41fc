"""Image input, where the model is served with its vision tower."""

from qwen_infra.client import HttpStatusError
from qwen_infra.errors import CheckFailedError
from qwen_infra.verification.asking import ATTEMPTS, Asked, ask
from qwen_infra.verification.case import Case, CaseContext, CaseSkippedError, Outcome
from qwen_infra.verification.conversation import PICTURE
from qwen_infra.verification.expectations import says

__all__ = ["CASES"]


async def _look(context: CaseContext) -> Outcome:
    try:
        answer = await ask(context, Asked(PICTURE, thinking="off"))
    except HttpStatusError as error:
        if error.status != 400 or "image" not in error.server_message:
            raise
        if context.deployed.takes_images and not context.deployed.is_simulated:
            raise CheckFailedError(
                "a picture was refused",
                expected="an answer, since the plan is not text-only",
                found=error.server_message,
            ) from error
        raise CaseSkippedError(f"the server takes text only: {error.server_message}") from error
    says("red")(answer)
    return Outcome(detail="the picture was seen", actual=answer.quote())


CASES = (
    Case(
        id="image-input",
        family="images",
        proves="a picture in the request is seen by the model",
        asks="POST /v1/chat/completions with a red square: which colour fills it?",
        expects='"red" in the content; a refusal only where the plan is text-only',
        guards_against="a vision tower that is not loaded, or loaded wrongly",
        deadline_s=120.0,
        run=_look,
        attempts=ATTEMPTS,
    ),
)
