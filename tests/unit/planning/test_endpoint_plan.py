"""What is refused of the endpoint before anything is created, and the names that follow from a model's."""

from typing import Any

import pytest

from qwen_infra.errors import ConfigurationError
from qwen_infra.planning.endpoint import plan_endpoint
from qwen_infra.planning.naming import decide_server_name
from qwen_infra.settings import EndpointSettings, load_settings


def planned(**endpoint: Any) -> Any:
    return plan_endpoint(EndpointSettings.model_validate(endpoint), "server")


def refusal(**endpoint: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        planned(**endpoint)
    return str(caught.value)


def loading_refusal(**endpoint: Any) -> str:
    raw = {
        "qwen-infra:cluster": {"identifier": "test"},
        "qwen-infra:model": {"name": "Qwen3.5-4B", "precision": "bf16"},
        "qwen-infra:server": {"gpu": "H200"},
        "qwen-infra:endpoint": endpoint,
    }
    with pytest.raises(ConfigurationError) as caught:
        load_settings(raw)
    return str(caught.value)


@pytest.mark.parametrize("port", [80, 443, 29501, 29550])
def test_a_reserved_port_is_refused_with_the_reason(port: int) -> None:
    told = refusal(port=port)
    assert told.startswith(f"qwen-infra:endpoint.port: port {port} is reserved: ")
    assert told.endswith("pulumi config set --path 'qwen-infra:endpoint.port' 8000")


def test_a_node_port_outside_of_the_range_is_refused() -> None:
    told = refusal(type="NodePort", nodePort=8080, allowFrom=[{"cidr": "10.0.0.0/8"}])
    assert "qwen-infra:endpoint.nodePort" in told
    assert "found 8080, expected 30000 to 32767" in told


@pytest.mark.parametrize("kind", ["NodePort", "LoadBalancer"])
def test_a_service_for_outside_that_lets_nobody_in_is_refused(kind: str) -> None:
    assert "the NetworkPolicy lets none in (expected a rule with cidr)" in refusal(type=kind)


def test_with_a_network_policy_of_ones_own_nothing_is_assumed() -> None:
    assert planned(type="LoadBalancer", networkPolicy=False).settings.type == "LoadBalancer"


def test_a_generated_key_has_a_secret_of_the_servers_name() -> None:
    found = planned()
    assert (found.key_secret.secret_name, found.key_secret.key, found.creates_key) == (
        "server-api-key",
        "api-key",
        True,
    )


def test_an_existing_secret_is_not_made_again() -> None:
    found = planned(apiKey={"secretName": "mine", "key": "token"})
    assert (found.key_secret.secret_name, found.key_secret.key, found.creates_key) == ("mine", "token", False)


def test_a_rotation_of_an_existing_secret_is_told_how() -> None:
    assert "`previous-<key>`" in loading_refusal(apiKey={"secretName": "mine", "rotation": 2})


def test_a_given_key_stands_in_no_error_and_no_text_of_the_plan() -> None:
    key = "sk-very-secret-value-of-the-user"
    assert key not in loading_refusal(apiKey={"value": key, "rotation": 2})
    assert key not in loading_refusal(apiKey={"value": key, "rotatoin": 2})
    assert key[:8] not in loading_refusal(apiKey={"value": key[:8]})
    assert key not in repr(planned(apiKey={"value": key}))


def test_an_http_route_without_its_gateway_is_refused() -> None:
    assert "an httpRoute needs gateway" in loading_refusal(route={"kind": "httpRoute", "host": "a.example"})


def test_an_ingress_without_tls_is_refused() -> None:
    assert "an ingress needs tlsSecret" in loading_refusal(route={"kind": "ingress", "host": "a.example"})


def test_a_name_that_would_be_too_long_is_refused_with_a_shorter_one() -> None:
    with pytest.raises(ConfigurationError) as caught:
        decide_server_name("Somebodys-Very-Long-Fine-Tuned-Model-Name-For-Chinese-Law-397B-A17B")
    assert "expected at most 39" in str(caught.value)


@pytest.mark.parametrize(
    ("model", "name"), [("Qwen3.5-397B-A17B", "vllm-qwen35-397b"), ("Qwen3.5-0.8B", "vllm-qwen35-08b")]
)
def test_names_are_short_and_follow_from_the_model(model: str, name: str) -> None:
    assert decide_server_name(model) == name
