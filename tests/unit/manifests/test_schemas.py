"""Every object of every stack file against its kind's schema, strictly: no field that the kind does not have.

As kubeconform does it: Kubernetes 1.36's own OpenAPI definitions, and the definitions of custom kinds, with unknown
fields refused. What the API server says of the same objects is in tests/integration.
"""

import gzip
import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from qwen_infra.fleet import list_stacks
from qwen_infra.local.custom_kinds import read_definitions
from qwen_infra.manifests import render_stack
from qwen_infra.planning import make_plan, make_plans
from qwen_infra.settings import load_settings, load_stack_deployments

ROOT = Path(__file__).parents[3]
SCHEMAS = json.loads(gzip.decompress((Path(__file__).parent / "kubernetes_schemas.json.gz").read_bytes()))
STACKS = [stack.name for stack in list_stacks(ROOT)]


def strict(schema: Any, *, names: bool = False) -> Any:
    """The same schema without room for fields that it does not name; ``names``: its keys are names of properties."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: strict(item, names=key == "properties") for key, item in schema.items()}
    if names or schema.get("x-kubernetes-preserve-unknown-fields"):
        return found
    if schema.get("x-kubernetes-int-or-string"):
        found.pop("type", None)
    if "properties" in schema and "additionalProperties" not in schema:
        found["additionalProperties"] = False
    return found


@cache
def validator(version: str, kind: str) -> Draft202012Validator:
    """For a kind of Kubernetes itself, or a custom one; KeyError: nobody defines it."""
    for definition in read_definitions().values():
        spec = definition["spec"]
        for served in spec["versions"]:
            if (f"{spec['group']}/{served['name']}", spec["names"]["kind"]) == (version, kind):
                schema = strict(served["schema"]["openAPIV3Schema"])
                schema["properties"] |= {"apiVersion": {}, "kind": {}, "metadata": {"type": "object"}}
                return Draft202012Validator(schema)
    components = {"components": {"schemas": {name: strict(item) for name, item in SCHEMAS["schemas"].items()}}}
    reference = f"#/components/schemas/{SCHEMAS['kinds'][f'{version}/{kind}']}"
    return Draft202012Validator({"$ref": reference, **components})


def problems(item: dict[str, Any]) -> list[str]:
    found = validator(item["apiVersion"], item["kind"]).iter_errors(json.loads(json.dumps(item)))
    return [f"{item['kind']} {item['metadata']['name']}: {error.json_path}: {error.message}" for error in found]


def rendered(stack: str) -> list[dict[str, Any]]:
    return render_stack(make_plans(load_stack_deployments(ROOT, stack), stack))


@pytest.mark.parametrize("stack", STACKS)
def test_every_object_of_the_stack_has_the_fields_of_its_kind_and_no_others(stack: str) -> None:
    assert [problem for item in rendered(stack) for problem in problems(item)] == []


WAYS_IN: tuple[dict[str, Any], ...] = (
    {
        "route": {"kind": "httpRoute", "host": "qwen.example.com", "gateway": "public", "gatewayNamespace": "gateways"},
        "inferencePool": {"endpointPicker": "picker"},
        "monitoring": {"kind": "serviceMonitor"},
        "autoscaling": {"kind": "keda", "maxReplicas": 2},
    },
    {
        "type": "LoadBalancer",
        "allowFrom": [{"cidr": "10.0.0.0/8"}],
        "route": {"kind": "ingress", "host": "qwen.example.com", "tlsSecret": "tls"},
        "monitoring": {"kind": "podMonitor"},
        "autoscaling": {"kind": "hpa", "minReplicas": 2, "maxReplicas": 4},
    },
)


@pytest.mark.parametrize("endpoint", WAYS_IN)
@pytest.mark.parametrize("rollout", ["auto", "blueGreen"])
def test_every_way_to_the_server_has_the_fields_of_its_kinds(endpoint: dict[str, Any], rollout: str) -> None:
    raw = {
        "cluster": {"identifier": "test"},
        "model": {"name": "Qwen3.5-4B", "precision": "bf16"},
        "server": {"gpu": "H200", "maxModelLen": 8192, "rollout": rollout},
        "endpoint": endpoint,
    }
    plan = make_plan(load_settings({f"qwen-infra:{key}": value for key, value in raw.items()}), "test")
    assert [problem for item in render_stack([plan]) for problem in problems(item)] == []


def test_a_misspelt_field_and_a_wrong_type_are_found() -> None:
    (deployment,) = [item for item in rendered("gb200") if item["kind"] == "Deployment"]
    misspelt, wrong = deepcopy(deployment), deepcopy(deployment)
    misspelt["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    wrong["spec"]["replicas"] = "1"
    assert "livenesProbe" in problems(misspelt)[0]
    assert "'1' is not of type 'integer'" in problems(wrong)[0]


def test_a_misspelt_field_of_a_custom_kind_is_found() -> None:
    (group,) = [item for item in rendered("h100-2node") if item["kind"] == "LeaderWorkerSet"]
    group["spec"]["leaderWorkerTemplate"]["leaderTemplate"]["spec"]["hostNetwrok"] = True
    assert "hostNetwrok" in problems(group)[0]
