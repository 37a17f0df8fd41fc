"""Token counts and log probabilities agree with what came."""

from qwen_infra.verification.asking import Asked, chat_case
from qwen_infra.verification.cases.thinking import FORMS
from qwen_infra.verification.conversation import COUNT
from qwen_infra.verification.expectations import counts_tokens, has_logprobs

__all__ = ["CASES"]

TOP = 3
_BODY = {**COUNT, "logprobs": True, "top_logprobs": TOP}

CASES = tuple(
    chat_case(
        f"logprobs{ending}",
        Asked(_BODY, thinking="off", stream=stream),
        has_logprobs(TOP),
        counts_tokens,
        family="counting",
        proves="every token has its log probability, and as many tokens are counted as came",
        guards_against="bills and evaluations made from wrong counts",
    )
    for ending, stream in FORMS
)
