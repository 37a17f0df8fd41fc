"""What the simulated model says, before it is cut into tokens: plain values, no HTTP."""

import json
from dataclasses import dataclass

__all__ = ["Reply", "ToolCall"]


@dataclass(frozen=True)
class ToolCall:
    """A call of one tool; ``arguments`` is JSON text, as in the OpenAI protocol."""

    name: str
    arguments: str

    def as_xml(self) -> str:
        """The call in Qwen's own format, as the model writes it before vLLM's parser has read it."""
        parameters = "".join(
            f"<parameter={key}>\n{value if isinstance(value, str) else json.dumps(value)}\n</parameter>\n"
            for key, value in json.loads(self.arguments).items()
        )
        return f"<tool_call>\n<function={self.name}>\n{parameters}</function>\n</tool_call>"


@dataclass(frozen=True)
class Reply:
    """Reasoning, content and tool calls of one answer; None where there is none."""

    reasoning: str | None = None
    content: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
