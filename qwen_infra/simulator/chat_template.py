"""Messages as the prompt text that Qwen's chat template would make, in a shorter form. Only its token count matters."""

import json
from typing import Any

from qwen_infra.simulator.protocol import Message

__all__ = ["render_chat"]


def render_chat(messages: list[Message], tools: list[dict[str, Any]] | None, *, is_thinking: bool) -> str:
    """The whole prompt, ending where the assistant's turn begins."""
    parts: list[str] = []
    if tools:
        listed = "\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools)
        parts.append(f"<|im_start|>system\n# Tools\n{listed}<|im_end|>\n")
    for message in messages:
        text = message.read_text()
        if message.role == "tool":
            parts.append(f"<|im_start|>user\n<tool_response>\n{text}\n</tool_response><|im_end|>\n")
            continue
        calls = "".join(f"\n<tool_call>\n{json.dumps(call)}\n</tool_call>" for call in message.tool_calls or ())
        parts.append(f"<|im_start|>{message.role}\n{text}{calls}<|im_end|>\n")
    opening = "<think>\n" if is_thinking else "<think>\n\n</think>\n\n"
    return "".join(parts) + f"<|im_start|>assistant\n{opening}"
