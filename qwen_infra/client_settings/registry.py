"""Which clients there are settings for. To add one: a builder, and a line here."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from qwen_infra.client_settings.claude_code import build_claude_code, build_claude_code_router
from qwen_infra.client_settings.gateways import build_continue, build_litellm, build_open_webui
from qwen_infra.client_settings.sdks import build_anthropic, build_curl, build_openai
from qwen_infra.client_settings.served import ClientSettings, ServedModel
from qwen_infra.errors import ConfigurationError

__all__ = ["CLIENTS", "build_client_settings"]

_FOR_ONE: Mapping[str, Callable[[ServedModel], ClientSettings]] = {
    "curl": build_curl,
    "openai": build_openai,
    "anthropic": build_anthropic,
    "claude-code": build_claude_code,
}
_FOR_MANY: Mapping[str, Callable[[Sequence[ServedModel]], ClientSettings]] = {
    "open-webui": build_open_webui,
    "litellm": build_litellm,
    "continue": build_continue,
}
_ROUTER = "claude-code-router"
CLIENTS = (*_FOR_ONE, _ROUTER, *_FOR_MANY)


def build_client_settings(client: str, models: Sequence[ServedModel], home: Path) -> ClientSettings:
    """Settings of one client for the models of a stack; a client of one server gets the first.

    ``home`` is the folder that the files will lie under, for clients that want absolute paths.

    Raises:
        ConfigurationError: there are no settings for such a client.
    """
    if client in _FOR_ONE:
        return _FOR_ONE[client](models[0])
    if client == _ROUTER:
        return build_claude_code_router(models, home)
    if client in _FOR_MANY:
        return _FOR_MANY[client](models)
    raise ConfigurationError(
        "there are no settings for such a client",
        where="--for",
        found=client,
        expected=f"one of: {', '.join(CLIENTS)}",
        mend="use openai for anything that speaks OpenAI's protocol",
    )
