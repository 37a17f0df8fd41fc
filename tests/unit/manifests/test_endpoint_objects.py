"""What stands around the Service: who may reach it, the ways in, monitoring and autoscaling."""

import json
import re
from typing import Any

import pytest

from qwen_infra.manifests import build_endpoint, build_guard, decide_names, render_objects, tell_external_url
from qwen_infra.planning import DeploymentPlan, make_plan
from qwen_infra.settings import load_settings

SERVER = "vllm-qwen35-4b"


def plan(stack: str = "test", **endpoint: Any) -> DeploymentPlan:
    raw = {
        "cluster": {"identifier": "test"},
        "model": {"name": "Qwen3.5-4B", "precision": "bf16"},
        "server": {"gpu": "H200", "maxModelLen": 8192},
        "endpoint": endpoint,
    }
    return make_plan(load_settings({f"qwen-infra:{key}": value for key, value in raw.items()}), stack)


def built(**endpoint: Any) -> dict[str, dict[str, Any]]:
    wanted = plan(**endpoint)
    return build_endpoint(wanted, decide_names(wanted))


def peers(**endpoint: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = built(**endpoint)["network-policy"]["spec"]["ingress"][0]["from"]
    return found


ROUTE = {"kind": "httpRoute", "host": "qwen.example.com", "gateway": "public", "gatewayNamespace": "gateways"}
INGRESS = {"kind": "ingress", "host": "qwen.example.com", "tlsSecret": "qwen-tls", "ingressClass": "nginx"}
MONITORING: dict[str, Any] = {"labels": {"release": "prom"}}


def test_by_default_there_are_a_service_and_a_network_policy() -> None:
    assert list(built()) == ["service", "network-policy"]


def test_by_default_only_the_pods_of_the_namespace_reach_the_port() -> None:
    assert peers() == [{"podSelector": {}}]
    (rule,) = built()["network-policy"]["spec"]["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 8000}]


def test_listed_peers_take_the_place_of_the_default() -> None:
    rules = [{"namespace": "apps", "podLabels": {"app": "chat"}}, {"cidr": "10.1.0.0/16"}]
    assert peers(allowFrom=rules) == [
        {
            "podSelector": {"matchLabels": {"app": "chat"}},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "apps"}},
        },
        {"ipBlock": {"cidr": "10.1.0.0/16"}},
    ]


def test_an_empty_list_lets_nobody_in() -> None:
    """An ingress rule without peers would let everybody in, so there must be none."""
    spec = built(allowFrom=[])["network-policy"]["spec"]
    assert "ingress" not in spec
    assert spec["policyTypes"] == ["Ingress"]


def test_the_gateway_and_prometheus_reach_the_port_without_being_listed() -> None:
    found = peers(allowFrom=[], route=ROUTE, monitoring=MONITORING)
    names = [peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for peer in found]
    assert names == ["gateways", "monitoring"]


def test_a_fixed_node_port_stands_in_the_service() -> None:
    service = built(type="NodePort", nodePort=30800, allowFrom=[{"cidr": "10.0.0.0/8"}])["service"]["spec"]
    assert (service["type"], service["ports"][0]["nodePort"]) == ("NodePort", 30800)


def test_a_load_balancer_keeps_the_clients_address() -> None:
    rules = [{"cidr": "10.0.0.0/8"}]
    service = built(type="LoadBalancer", allowFrom=rules, sourceRanges=["10.0.0.0/8"])["service"]["spec"]
    assert service["externalTrafficPolicy"] == "Local"
    assert service["loadBalancerSourceRanges"] == ["10.0.0.0/8"]


@pytest.mark.parametrize("route", [ROUTE, INGRESS])
def test_a_route_shows_only_the_guarded_paths(route: dict[str, Any]) -> None:
    spec = built(route=route)["route"]["spec"]
    rule = spec["rules"][0]
    shown = (
        [match["path"]["value"] for match in rule["matches"]]
        if route is ROUTE
        else [path["path"] for path in rule["http"]["paths"]]
    )
    assert shown == ["/v1", "/v2", "/inference", "/cohere"]


def test_an_ingress_has_tls() -> None:
    assert built(route=INGRESS)["route"]["spec"]["tls"] == [{"hosts": ["qwen.example.com"], "secretName": "qwen-tls"}]


def test_a_route_leads_to_the_inference_pool_where_there_is_one() -> None:
    found = built(route=ROUTE, inferencePool={"endpointPicker": "picker"})
    (backend,) = found["route"]["spec"]["rules"][0]["backendRefs"]
    assert (backend["kind"], backend["name"]) == ("InferencePool", found["inference-pool"]["metadata"]["name"])


def test_an_inference_pool_opens_the_metrics_that_its_picker_reads() -> None:
    assert plan(inferencePool={"endpointPicker": "picker"}).endpoint.open_paths == ("/health", "/ping", "/metrics")


@pytest.mark.parametrize(("kind", "key"), [("serviceMonitor", "endpoints"), ("podMonitor", "podMetricsEndpoints")])
def test_prometheus_sends_the_key_from_its_secret(kind: str, key: str) -> None:
    monitor = built(monitoring={**MONITORING, "kind": kind})["monitor"]
    (scrape,) = monitor["spec"][key]
    assert scrape["authorization"]["credentials"] == {"name": f"{SERVER}-api-key", "key": "api-key"}
    assert monitor["metadata"]["labels"]["release"] == "prom"


def test_every_panel_of_the_dashboard_asks_for_this_servers_pods() -> None:
    data = built(monitoring=MONITORING)["dashboard"]["data"]
    (text,) = data.values()
    expressions = [target["expr"] for panel in json.loads(text)["panels"] for target in panel["targets"]]
    assert expressions
    assert all(f'namespace="qwen",pod=~"{SERVER}(-green)?-(' in expression for expression in expressions)
    assert not any("$pods" in expression for expression in expressions)


PODS_OF = re.compile(r'pod=~"(?P<names>[^"]+)"')


@pytest.mark.parametrize(
    ("pod", "is_own"),
    [
        (f"{SERVER}-7d4b9c6f5d-x2x9q", True),
        (f"{SERVER}-0", True),
        (f"{SERVER}-0-1", True),
        (f"{SERVER}-green-7d4b9c6f5d-x2x9q", False),
        (f"{SERVER}-for-tests-7d4b9c6f5d-x2x9q", False),
    ],
)
def test_an_autoscaler_counts_the_pods_of_its_own_generation_only(pod: str, is_own: bool) -> None:
    trigger, *_ = built(autoscaling={"kind": "keda", "maxReplicas": 3})["autoscaler"]["spec"]["triggers"]
    found = PODS_OF.search(trigger["metadata"]["query"])
    assert found is not None
    assert bool(re.fullmatch(found["names"], pod)) is is_own


def test_keda_asks_for_waiting_requests_and_the_kv_cache() -> None:
    found = built(autoscaling={"kind": "keda", "maxReplicas": 3})["autoscaler"]["spec"]
    queries = [trigger["metadata"]["query"] for trigger in found["triggers"]]
    assert [query.partition("{")[0] for query in queries] == [
        "sum(vllm:num_requests_waiting",
        "avg(vllm:kv_cache_usage_perc",
    ]
    assert found["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": SERVER}


def test_an_autoscaler_owns_the_number_of_replicas() -> None:
    (deployment,) = [
        item
        for item in render_objects(plan(autoscaling={"kind": "hpa", "maxReplicas": 2}))
        if item["kind"] == "Deployment"
    ]
    assert "replicas" not in deployment["spec"]


def test_the_middleware_of_the_config_map_is_the_one_that_is_tested() -> None:
    (text,) = build_guard(decide_names(plan()))["data"].values()
    assert "class Gatekeeper" in text


@pytest.mark.parametrize(
    ("endpoint", "status", "expected"),
    [
        ({}, None, ""),
        ({"route": ROUTE}, None, "https://qwen.example.com"),
        (
            {"type": "LoadBalancer", "allowFrom": [{"cidr": "0.0.0.0/0"}]},
            {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}},
            "http://192.0.2.7:8000",
        ),
        (
            {"type": "LoadBalancer", "allowFrom": [{"cidr": "::/0"}]},
            {"loadBalancer": {"ingress": [{"ip": "2001:db8::7"}]}},
            "http://[2001:db8::7]:8000",
        ),
        (
            {"type": "LoadBalancer", "allowFrom": [{"cidr": "0.0.0.0/0"}]},
            None,
            f"not assigned yet: kubectl --namespace qwen get service {SERVER}-service",
        ),
        (
            {"type": "NodePort", "nodePort": 30800, "allowFrom": [{"cidr": "10.0.0.0/8"}]},
            None,
            "http://<any node>:30800",
        ),
    ],
)
def test_the_external_url_follows_from_the_way_in(endpoint: dict[str, Any], status: Any, expected: str) -> None:
    assert tell_external_url(plan(**endpoint), status) == expected


def test_every_object_says_which_stack_owns_it() -> None:
    owners = {item["metadata"].get("labels", {}).get("qwen-infra.dev/stack") for item in render_objects(plan("blue"))}
    assert owners == {"blue"}
