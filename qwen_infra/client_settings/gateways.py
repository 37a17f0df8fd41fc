"""Open WebUI, LiteLLM and Continue."""

from collections.abc import Sequence
from typing import Any

import yaml

from qwen_infra.client_settings.served import ClientSettings, ServedModel, SettingsFile

__all__ = ["build_continue", "build_litellm", "build_open_webui"]


def build_open_webui(models: Sequence[ServedModel]) -> ClientSettings:
    """A Compose file. Open WebUI takes several servers as lists separated by semicolons."""
    service = {
        "image": "ghcr.io/open-webui/open-webui:main",
        "ports": ["127.0.0.1:3000:8080"],
        "extra_hosts": ["host.docker.internal:host-gateway"],
        "environment": {
            "OPENAI_API_BASE_URLS": ";".join(f"{_seen_from_a_container(model.url)}/v1" for model in models),
            "OPENAI_API_KEYS": ";".join(model.key.value or f"${{{model.key.variable}}}" for model in models),
            "ENABLE_OLLAMA_API": "false",
        },
        "volumes": ["open-webui:/app/backend/data"],
    }
    document = {"services": {"open-webui": service}, "volumes": {"open-webui": {}}}
    notes: tuple[str, ...] = ("then: docker compose up --detach, and open http://127.0.0.1:3000",)
    if any(_seen_from_a_container(model.url) != model.url for model in models):
        notes += (
            "a port-forward of `qwen-infra connect` listens on this machine only; give it --address 0.0.0.0, or the "
            "address of the Docker bridge, for the container to reach it",
        )
    return ClientSettings((_yaml("compose.yaml", document, models),), notes)


def _seen_from_a_container(url: str) -> str:
    for loopback in ("127.0.0.1", "localhost"):
        url = url.replace(f"://{loopback}:", "://host.docker.internal:")
    return url


def build_litellm(models: Sequence[ServedModel]) -> ClientSettings:
    """Configuration of the LiteLLM proxy, with the context lengths that its routing checks."""
    document = {
        "model_list": [
            {
                "model_name": model.name,
                "litellm_params": {
                    "model": f"hosted_vllm/{model.name}",
                    "api_base": f"{model.url}/v1",
                    "api_key": model.key.value or f"os.environ/{model.key.variable}",
                },
                "model_info": {
                    "mode": "chat",
                    "max_input_tokens": model.context_tokens,
                    "max_output_tokens": model.longest_answer_tokens,
                    "supports_function_calling": model.calls_tools,
                    "supports_reasoning": model.thinks,
                },
            }
            for model in models
        ]
    }
    return ClientSettings((_yaml("litellm.yaml", document, models),), ("then: litellm --config litellm.yaml",))


def build_continue(models: Sequence[ServedModel]) -> ClientSettings:
    """Configuration of Continue (VS Code, JetBrains)."""
    document = {
        "name": "qwen-infra",
        "version": "1.0.0",
        "schema": "v1",
        "models": [
            {
                "name": model.name,
                "provider": "vllm",
                "model": model.name,
                "apiBase": f"{model.url}/v1",
                "apiKey": model.key.value or "${{ secrets." + model.key.variable + " }}",
                "roles": ["chat", "edit", "apply"],
                "capabilities": ["tool_use"] if model.calls_tools else [],
                "defaultCompletionOptions": {
                    "contextLength": model.context_tokens,
                    "maxTokens": model.longest_answer_tokens,
                },
            }
            for model in models
        ],
    }
    variable = models[0].key.variable
    notes = (
        "put it at ~/.continue/config.yaml",
        f"put the key into ~/.continue/.env as {variable}=...: Continue reads secrets from there",
    )
    return ClientSettings((_yaml(".continue/config.yaml", document, models),), notes)


def _yaml(path: str, document: Any, models: Sequence[ServedModel]) -> SettingsFile:
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000)
    return SettingsFile(path, text, any(model.key.value for model in models))
