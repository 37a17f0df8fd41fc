"""curl, and the Python SDKs of OpenAI and Anthropic."""

import json

from qwen_infra.client_settings.served import ClientSettings, ServedModel, SettingsFile

__all__ = ["build_anthropic", "build_curl", "build_openai"]

QUESTION = "Introduce yourself in one sentence."


def build_curl(model: ServedModel) -> ClientSettings:
    """A first request for a shell."""
    body = {
        "model": model.name,
        "messages": [{"role": "user", "content": QUESTION}],
        "max_tokens": _first_answer(model),
    }
    key = model.key.value or f"${model.key.variable}"
    text = (
        f"curl --fail-with-body {model.url}/v1/chat/completions \\\n"
        f'  --header "Authorization: Bearer {key}" \\\n'
        f"  --header 'Content-Type: application/json' \\\n"
        f"  --data '{json.dumps(body)}'\n"
    )
    return ClientSettings((SettingsFile("request.sh", text, bool(model.key.value)),), _thinking_notes(model))


def build_openai(model: ServedModel) -> ClientSettings:
    """The openai package (1.0 or newer): a streamed answer, with its thinking apart."""
    text = f'''import os

from openai import OpenAI

client = OpenAI(base_url="{model.url}/v1", api_key={_python_key(model)})
stream = client.chat.completions.create(
    model="{model.name}",
    messages=[{{"role": "user", "content": "{QUESTION}"}}],
    max_tokens={_first_answer(model)},
    stream=True,
)
for chunk in stream:
    for choice in chunk.choices:
        thinking = getattr(choice.delta, "reasoning", None)  # vLLM's field beside the protocol's own
        print(thinking or choice.delta.content or "", end="", flush=True)
print()
'''
    return ClientSettings((SettingsFile("openai_client.py", text, bool(model.key.value)),), _thinking_notes(model))


def build_anthropic(model: ServedModel) -> ClientSettings:
    """The anthropic package against vLLM's own ``/v1/messages``."""
    text = f'''import os

from anthropic import Anthropic

# auth_token, not api_key: vLLM reads the key from the Authorization header
client = Anthropic(base_url="{model.url}", auth_token={_python_key(model)})
with client.messages.stream(
    model="{model.name}",
    max_tokens={_first_answer(model)},
    messages=[{{"role": "user", "content": "{QUESTION}"}}],
) as stream:
    for text in stream.text_stream:
        print(text, end="", flush=True)
print()
'''
    return ClientSettings((SettingsFile("anthropic_client.py", text, bool(model.key.value)),), _thinking_notes(model))


def _python_key(model: ServedModel) -> str:
    return json.dumps(model.key.value) if model.key.value else f'os.environ["{model.key.variable}"]'


def _first_answer(model: ServedModel) -> int:
    """Room for the thinking before the answer."""
    return min(4096, model.longest_answer_tokens)


def _thinking_notes(model: ServedModel) -> tuple[str, ...]:
    if not model.thinks:
        return ()
    return (
        "thinking counts as output: an answer that max_tokens cuts off inside the thinking has empty content",
        'thinking is off with "chat_template_kwargs": {"enable_thinking": false} in the body (extra_body of an SDK)',
    )
