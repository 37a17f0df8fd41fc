"""Claude Code, directly through vLLM's ``/v1/messages`` and through Claude Code Router."""

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from qwen_infra.client_settings.served import ClientSettings, ServedModel, SettingsFile

__all__ = ["build_claude_code", "build_claude_code_router", "long_context_threshold"]

_PLUGIN = ".claude-code-router/plugins/vllm-reasoning.js"
ROUTER_PORT = 3456
"""Claude Code Router's own default."""
REQUEST_TIMEOUT_MS = 600_000
"""Ten minutes: thinking over a long prompt sends nothing for minutes (both programs' own default)."""

_ROUTER_NOTES = (
    "both files belong under ~/.claude-code-router (--out ~ puts them there); they are for version 2 of the router: "
    "npm install -g @musistudio/claude-code-router@2",
    "export CCR_API_KEY=<a word of your choice>: the key between Claude Code and the router",
    "the router drops vLLM's reasoning field, so that an answer cut off inside the thinking comes back empty; "
    "plugins/vllm-reasoning.js hands it on as thinking",
    "then: ccr code",
)


def build_claude_code(model: ServedModel) -> ClientSettings:
    """Settings of Claude Code for vLLM without anything between.

    Source of the variables: Claude Code's "settings" and "LLM gateway" pages, vLLM's "Claude Code" page.
    """
    environment = {
        "ANTHROPIC_BASE_URL": model.url,
        "ANTHROPIC_MODEL": model.name,
        "ANTHROPIC_DEFAULT_OPUS_MODEL": model.name,
        "ANTHROPIC_DEFAULT_SONNET_MODEL": model.name,
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": model.name,
        "CLAUDE_CODE_SUBAGENT_MODEL": model.name,
        "CLAUDE_CODE_MAX_OUTPUT_TOKENS": str(model.longest_answer_tokens),
        "CLAUDE_CODE_ATTRIBUTION_HEADER": "0",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "API_TIMEOUT_MS": str(REQUEST_TIMEOUT_MS),
    }
    settings: dict[str, Any] = {"$schema": "https://json.schemastore.org/claude-code-settings.json"}
    if model.key.value:
        environment["ANTHROPIC_AUTH_TOKEN"] = model.key.value
    else:
        settings["apiKeyHelper"] = model.key.command or f'printf %s "${model.key.variable}"'
    settings["env"] = environment
    file = SettingsFile(".claude/settings.json", _to_json(settings), bool(model.key.value))
    return ClientSettings((file,), _claude_code_notes(model))


def _claude_code_notes(model: ServedModel) -> tuple[str, ...]:
    notes = [
        "put it at .claude/settings.json of a project, or ~/.claude/settings.json for all",
        "CLAUDE_CODE_ATTRIBUTION_HEADER=0 keeps the beginning of every prompt the same, so that the prefix cache hits",
        f"compact long conversations with /compact: this context has {model.context_tokens} tokens",
    ]
    if not model.calls_tools:
        notes.insert(0, "this server has tool calls off (qwen-infra:server.tools), and Claude Code needs them")
    return tuple(notes)


def build_claude_code_router(models: Sequence[ServedModel], home: Path) -> ClientSettings:
    """Configuration of Claude Code Router 2.x: one provider a model, routes by what the models are good for.

    The first model of the stack is the default and thinks; the one with the shortest context does background work, the
    one with the longest takes long prompts. The router drops vLLM's ``reasoning`` field, so that an answer cut off
    inside the thinking would come back empty; a transformer of ours hands it on, and asks for the usage of
    streamed answers.
    (Its own transformer ``Anthropic``, which would pass requests on to ``/v1/messages``, sends the key in a header that
    vLLM does not read.)

    Args:
        models: of one stack, the default first.
        home: folder that will hold ``.claude-code-router``; the router finds transformers by absolute paths only.
    """
    names = _provider_names(models)
    routes = {
        "default": models[0],
        "background": min(models, key=lambda model: model.context_tokens),
        "think": next((model for model in models if model.thinks), models[0]),
        "longContext": max(models, key=lambda model: model.context_tokens),
    }
    by_model = dict(zip(models, names, strict=True))
    configuration = {
        "HOST": "127.0.0.1",
        "PORT": ROUTER_PORT,
        "APIKEY": "$CCR_API_KEY",
        "LOG": False,
        "NON_INTERACTIVE_MODE": False,
        "API_TIMEOUT_MS": REQUEST_TIMEOUT_MS,
        "transformers": [{"path": str(home / _PLUGIN)}],
        "Providers": [_provider(name, model) for name, model in zip(names, models, strict=True)],
        "Router": {
            **{route: f"{by_model[model]},{model.name}" for route, model in routes.items()},
            "longContextThreshold": long_context_threshold(models[0]),
        },
    }
    holds_key = any(model.key.value for model in models)
    file = SettingsFile(".claude-code-router/config.json", _to_json(configuration), holds_key)
    plugin = files("qwen_infra.client_settings").joinpath("vllm-reasoning.js").read_text("utf-8")
    return ClientSettings((file, SettingsFile(_PLUGIN, plugin)), _ROUTER_NOTES)


def _provider(name: str, model: ServedModel) -> dict[str, Any]:
    return {
        "name": name,
        "api_base_url": f"{model.url}/v1/chat/completions",
        "api_key": model.key.value or f"${model.key.variable}",
        "models": [model.name],
        "transformer": {"use": ["vllm-reasoning"]},
    }


def _provider_names(models: Sequence[ServedModel]) -> list[str]:
    """``qwen-infra``, numbered when there are several: a provider is one URL and one key."""
    if len(models) == 1:
        return ["qwen-infra"]
    return [f"qwen-infra-{number}" for number, _ in enumerate(models, 1)]


def long_context_threshold(model: ServedModel) -> int:
    """Prompt tokens above which another model takes over: what the default model's context leaves beside an answer.

    The router counts with another tokenizer, which was seen to be up to a tenth off; that tenth is taken away.
    """
    return int((model.context_tokens - model.longest_answer_tokens) * 0.9)


def _to_json(value: Any) -> str:
    return json.dumps(value, indent=2) + "\n"
