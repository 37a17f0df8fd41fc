"""The chat requests of the suite, exactly as sent; the miniature model is trained on these very conversations.

Sources: the reference deployment's verification (section 5). Assertions live with the cases.
"""

from typing import Any

from qwen_infra.verification.answer import ChatAnswer, read_answer
from qwen_infra.verification.case import CaseContext

__all__ = ["CHINESE_INTRODUCTION", "ONE_SENTENCE_SUMMARY", "ask_chat"]

CHINESE_INTRODUCTION: dict[str, Any] = {
    "messages": [{"role": "user", "content": "你好,请介绍一下你自己"}],
    "max_tokens": 100,
    "temperature": 0.7,
}

ONE_SENTENCE_SUMMARY: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "Summarize Qwen3.5 in one sentence."},
    ],
    "temperature": 1,
    "max_tokens": 4096,
}


async def ask_chat(context: CaseContext, conversation: dict[str, Any], **extra: Any) -> ChatAnswer:
    """Send a chat completion to the endpoint's model and read the answer.

    Raises:
        EndpointError: no usable answer came.
        CheckFailedError: what came is no sane chat completion.
    """
    body = {"model": context.endpoint.model, **conversation, **extra}
    reply = await context.client.post_json("/v1/chat/completions", body)
    context.request_id = reply.request_id
    return read_answer(reply.payload, max_tokens=conversation["max_tokens"])
