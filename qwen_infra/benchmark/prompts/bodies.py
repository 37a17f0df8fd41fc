"""The fields of a request's body that are not its prompt, as ``vllm bench serve`` 0.32 sends them."""

from typing import Any

from qwen_infra.benchmark.workload import Workload

__all__ = ["CHAT_PATH", "COMPLETIONS_PATH", "TOOLS", "common_fields"]

COMPLETIONS_PATH = "/v1/completions"
CHAT_PATH = "/v1/chat/completions"


def _describe_tool(name: str, description: str, **parameters: str) -> dict[str, Any]:
    properties = {key: {"type": "string", "description": text} for key, text in parameters.items()}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": schema}}


TOOLS = [
    _describe_tool("read_file", "Read a file of the repository.", path="Path below the repository's root."),
    _describe_tool("search", "Search the repository for a text.", pattern="What to look for.", path="Where."),
    _describe_tool("run", "Run a command in the repository.", command="The command line."),
    _describe_tool("edit_file", "Replace a text in a file.", path="Its path.", old="Text now.", new="Text then."),
]
"""What a coding agent brings with every request."""


def common_fields(workload: Workload, *, model: str, output_tokens: int) -> dict[str, Any]:
    """Everything but ``prompt`` or ``messages``. A temperature is sent only when the workload sets one."""
    fields: dict[str, Any] = {
        "model": model,
        "max_tokens": output_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if workload.api == "completions":
        fields["repetition_penalty"] = 1.0
    if workload.ignore_eos:
        fields["ignore_eos"] = True
    fields |= workload.sampling.model_dump(exclude_none=True)
    return fields | _chat_fields(workload)


def _chat_fields(workload: Workload) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if workload.thinking is not None:
        fields["chat_template_kwargs"] = {"enable_thinking": workload.thinking}
    if workload.tools != "none":
        fields |= {"tools": TOOLS, "tool_choice": workload.tools}
    return fields
