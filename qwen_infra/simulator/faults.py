"""Every fault that the simulator can show, with what it does: the one registry, and its switch.

A fault acts where the thing that it changes is made (reply, stream, timing, HTTP); here they are only named and held.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from types import MappingProxyType

from qwen_infra.errors import ConfigurationError

__all__ = ["FAULTS", "FaultSwitch"]

FAULTS = MappingProxyType(
    {
        # HTTP
        "server-error": "every generation request is answered with 500 and vLLM's error body",
        "overloaded": "every generation request is answered with 503 and vLLM's error body",
        "html-error-page": "everything but /simulator is answered with 502 and an HTML page, as a broken gateway does",
        "dead-engine": "/health is 503 and generation requests are 500, while /v1/models still answers",
        "key-unguarded": "requests without or with a wrong API key are served",
        "slow-start": "the server says 503 for ten minutes after its start",
        "context-overflow-500": "a prompt longer than the context gives 500 instead of 400",
        # identity
        "wrong-served-model": "another model name is served than the one asked for",
        "wrong-context-length": "/v1/models reports half the context length",
        "development-mode": "the paths of VLLM_SERVER_DEV_MODE=1 answer",
        "small-kv-cache": "the KV cache has a third fewer blocks than it should",
        "old-version": "/version says 0.16.0",
        # reply
        "wrong-answer": "the answer is wrong (43 instead of 42, another sentence)",
        "wrong-language": "a Chinese question is answered in English",
        "wrong-tool-argument": "a tool is called with a value that the prompt does not ask for",
        "lost-tool-call": "the text of a tool call stays inside the reasoning, and nothing is called",
        "tool-xml-in-content": "a tool call shows as XML in the content, and nothing is called",
        "unasked-tool-call": "a tool is called although tool_choice is none or the question needs none",
        "answer-in-reasoning": "the whole answer is in reasoning and content is null",
        "thinking-ignored": "the model thinks although it was told not to",
        "think-tags-in-content": "the thinking shows in the content between <think> tags",
        "endless-thinking": "the thinking never ends: content is null and max_tokens cuts it off",
        "image-ignored": "a picture in the request is not looked at",
        "schema-violation": "structured output does not follow the JSON schema",
        "forgetful": "earlier turns and the system prompt are ignored",
        "mixed-up-answers": "a request gets the answer to the one before it",
        "stop-ignored": "stop strings are ignored",
        "max-tokens-ignored": "max_tokens is ignored: the answer is three times as long as allowed",
        "eos-not-ignored": "ignore_eos is ignored: the answer ends by itself",
        "gigantic-answer": "the answer is 20 MB long, whatever was asked",
        "endless-stream": "the answer never ends",
        # stream and body
        "stall": "a stream stops in its middle and stays open",
        "truncated-stream": "the connection is cut in the middle of a stream or body",
        "missing-done": "a stream ends without data: [DONE]",
        "error-in-stream": "an error event comes in the middle of a stream",
        "broken-json": "one event of a stream, or the body, is no valid JSON",
        "invalid-utf8": "one event of a stream, or the body, holds bytes that are no UTF-8",
        "broken-tool-arguments": "the arguments of a tool call are no complete JSON",
        "missing-usage": "usage is missing",
        "wrong-usage": "usage counts twice the tokens",
        # engine
        "slow-tokens": "the time per token is ten times as long",
        "slow-first-token": "the time to the first token is ten times as long",
        "leaked-requests": "a request whose client hung up runs on",
    }
)


class FaultSwitch:
    """The faults that are active now.

    Args:
        names: active from the start.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._active: frozenset[str] = frozenset()
        self.replace(names)

    @property
    def active(self) -> frozenset[str]:
        """Names of the active faults."""
        return self._active

    def replace(self, names: Iterable[str]) -> None:
        """Make exactly ``names`` active.

        Raises:
            ConfigurationError: a name is not in the registry; nothing is changed.
        """
        wanted = frozenset(names)
        for name in sorted(wanted):
            if name not in FAULTS:
                near = get_close_matches(name, FAULTS, n=3, cutoff=0.5)
                raise ConfigurationError(
                    "no such fault",
                    where="faults",
                    found=name,
                    expected=f"perhaps {', '.join(near)}" if near else "a known fault",
                    mend="list the known ones with GET /simulator/faults",
                )
        self._active = wanted

    def is_active(self, name: str) -> bool:
        """Whether the fault is switched on; a name outside the registry is a programming error."""
        if name not in FAULTS:
            raise KeyError(name)
        return name in self._active
