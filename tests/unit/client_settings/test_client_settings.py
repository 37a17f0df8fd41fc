"""Each client's settings: readable in that client's format, right in the facts, and without a key unless asked for."""

import ast
import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from qwen_infra.client_settings import CLIENTS, ApiKey, ClientSettings, ServedModel, build_client_settings
from qwen_infra.client_settings.claude_code import long_context_threshold
from qwen_infra.errors import ConfigurationError

COMMAND = "kubectl get secret k --output=jsonpath={.data.api-key} | base64 --decode"
MODEL = ServedModel("qwen3.5", "http://127.0.0.1:8000", 262144, ApiKey(command=COMMAND))
SMALL = ServedModel("small", "http://127.0.0.1:8001", 32768, ApiKey("VLLM_API_KEY_2", COMMAND), thinks=False)
HOME = Path("/home/user")
SECRET = "the-key-itself"


def build(client: str, *models: ServedModel) -> ClientSettings:
    return build_client_settings(client, models, HOME)


def text(client: str, *models: ServedModel) -> str:
    return build(client, *(models or (MODEL,))).files[0].text


@pytest.mark.parametrize("client", CLIENTS)
def test_the_key_is_named_and_not_in_the_settings(client: str):
    settings = build(client, MODEL)

    assert not settings.files[0].holds_key
    assert "VLLM_API_KEY" in settings.files[0].text or COMMAND in json.loads(settings.files[0].text)["apiKeyHelper"]


@pytest.mark.parametrize("client", CLIENTS)
def test_the_key_is_in_the_settings_when_asked_for(client: str):
    file = build(client, replace(MODEL, key=replace(MODEL.key, value=SECRET))).files[0]

    assert SECRET in file.text
    assert file.holds_key


@pytest.mark.parametrize("client", CLIENTS)
def test_the_address_is_right_and_so_is_the_model_where_the_client_does_not_ask_the_server(client: str):
    assert ":8000" in text(client)
    assert "qwen3.5" in text(client) or client == "open-webui"


def test_the_shell_reads_the_curl_command():
    subprocess.run(["bash", "-n"], input=text("curl"), text=True, check=True)


@pytest.mark.parametrize("client", ["openai", "anthropic"])
def test_python_reads_the_sdk_examples(client: str):
    ast.parse(text(client))


def test_claude_code_asks_for_the_key_by_a_command_and_uses_one_model_for_all_its_work():
    settings = json.loads(text("claude-code"))

    assert settings["apiKeyHelper"] == COMMAND
    environment = settings["env"]
    assert environment["ANTHROPIC_BASE_URL"] == "http://127.0.0.1:8000"
    assert {value for name, value in environment.items() if name.endswith("MODEL")} == {"qwen3.5"}
    assert environment["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] == "32768"
    assert all(isinstance(value, str) for value in environment.values())


def test_claude_code_is_told_that_it_needs_tool_calls():
    notes = build("claude-code", replace(MODEL, calls_tools=False)).notes

    assert "qwen-infra:server.tools" in notes[0]


def test_the_router_gets_the_transformer_that_keeps_the_thinking_and_its_absolute_path():
    configuration, plugin = build("claude-code-router", MODEL).files

    document = json.loads(configuration.text)
    assert document["transformers"] == [{"path": f"/home/user/{plugin.path}"}]
    assert document["Providers"][0]["transformer"] == {"use": ["vllm-reasoning"]}
    assert document["Router"]["think"] == "qwen-infra,qwen3.5"
    assert "delta.reasoning" in plugin.text


def test_the_router_sends_each_kind_of_work_to_the_model_that_suits_it():
    configuration = json.loads(text("claude-code-router", SMALL, MODEL))

    assert configuration["Router"] == {
        "default": "qwen-infra-1,small",
        "background": "qwen-infra-1,small",
        "think": "qwen-infra-2,qwen3.5",
        "longContext": "qwen-infra-2,qwen3.5",
        "longContextThreshold": long_context_threshold(SMALL),
    }
    assert [item["api_key"] for item in configuration["Providers"]] == ["$VLLM_API_KEY_2", "$VLLM_API_KEY"]


@pytest.mark.parametrize("context_tokens", [2048, 32768, 131072, 262144, 1010000])
def test_the_threshold_leaves_room_for_an_answer(context_tokens: int):
    model = replace(MODEL, context_tokens=context_tokens)

    assert long_context_threshold(model) > 0
    assert long_context_threshold(model) + model.longest_answer_tokens <= context_tokens


def test_a_container_reaches_the_port_of_this_machine():
    document = yaml.safe_load(text("open-webui", MODEL, SMALL))

    environment = document["services"]["open-webui"]["environment"]
    assert environment["OPENAI_API_BASE_URLS"] == (
        "http://host.docker.internal:8000/v1;http://host.docker.internal:8001/v1"
    )
    assert environment["OPENAI_API_KEYS"] == "${VLLM_API_KEY};${VLLM_API_KEY_2}"


def test_litellm_knows_the_lengths_of_each_model():
    models = yaml.safe_load(text("litellm", MODEL, SMALL))["model_list"]

    assert [item["model_info"]["max_input_tokens"] for item in models] == [262144, 32768]
    assert models[0]["litellm_params"]["api_key"] == "os.environ/VLLM_API_KEY"


def test_continue_takes_the_key_from_its_secrets():
    [model] = yaml.safe_load(text("continue"))["models"]

    assert model["apiKey"] == "${{ secrets.VLLM_API_KEY }}"
    assert model["defaultCompletionOptions"]["contextLength"] == 262144


def test_an_unknown_client_names_the_known_ones():
    with pytest.raises(ConfigurationError) as told:
        build("emacs", MODEL)

    assert str(told.value.expected).startswith("one of: curl, openai")
