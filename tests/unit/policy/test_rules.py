"""Each rule with manifests that hold it and manifests that break it."""

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_infra.errors import CheckFailedError, ConfigurationError
from qwen_infra.manifests import render_stack
from qwen_infra.planning import make_plans
from qwen_infra.policy import RULES, PolicyOptions, evaluate
from qwen_infra.policy.gate import gate
from qwen_infra.quantities import parse_quantity
from qwen_infra.settings import load_deployments
from tests.unit.planning.test_stack_plan import COMMIT, IMAGE, prod
from tests.unit.policy.broken import BROKEN, Break, container, deployment, pod
from tests.unit.settings.test_several_models import SMALL, config

ROOT = Path(__file__).parents[3]
ONE = {**prod()["server"], "replicas": 1}


def plans(**changes: Any) -> Any:
    return make_plans(load_deployments(config(prod(**{"server": ONE, **changes}))))


@pytest.fixture
def objects() -> list[dict[str, Any]]:
    return copy.deepcopy(render_stack(plans()))


def broken_rules(objects: list[dict[str, Any]], environment: str | None = "prod") -> set[str]:
    return {finding.rule for finding in evaluate(objects, PolicyOptions(environment=environment))}


def test_every_rule_has_its_violations() -> None:
    assert list(BROKEN) == [rule.name for rule in RULES]


def test_what_we_render_for_prod_breaks_no_rule(objects: list[dict[str, Any]]) -> None:
    assert evaluate(objects, PolicyOptions(environment="prod")) == ()


@pytest.mark.parametrize(
    ("rule", "change"),
    [(rule, change) for rule, changes in BROKEN.items() for change in changes],
    ids=[f"{rule}-{number}" for rule, changes in BROKEN.items() for number in range(len(changes))],
)
def test_a_broken_rule_is_found(rule: str, change: Break, objects: list[dict[str, Any]]) -> None:
    change(objects)
    assert rule in broken_rules(objects)


def test_a_licence_that_is_not_allowed_is_found(objects: list[dict[str, Any]]) -> None:
    (found,) = evaluate(objects, PolicyOptions(allowed_licences=("MIT",)))
    assert found.rule == "licence"
    assert "Apache-2.0 of /Qwen3.5-4B is not among MIT" in found.what


def test_a_finding_names_the_object_the_reason_and_what_mends_it(objects: list[dict[str, Any]]) -> None:
    pod(objects)["hostIPC"] = True
    (found,) = evaluate(objects, PolicyOptions())
    assert str(found) == (
        "policy host-namespaces (mandatory): Deployment qwen/vllm-qwen35-4b: hostIPC is on: the pod shares the node's "
        "namespace. To mend it: leave hostIPC out"
    )


@pytest.mark.parametrize(("environment", "level"), [(None, "advisory"), ("dev", "advisory"), ("prod", "mandatory")])
def test_pinning_is_mandatory_where_it_is_live(
    environment: str | None, level: str, objects: list[dict[str, Any]]
) -> None:
    container(objects)["image"] = "vllm/vllm-openai:v0.32.0"
    (found,) = evaluate(objects, PolicyOptions(environment=environment))
    assert (found.rule, found.level) == ("image-digest", level)


def test_copies_that_are_spread_are_fine(objects: list[dict[str, Any]]) -> None:
    deployment(objects)["spec"]["replicas"] = 2
    assert broken_rules(objects) == set()


def test_a_policy_for_other_pods_does_not_count(objects: list[dict[str, Any]]) -> None:
    policy = next(item for item in objects if item["kind"] == "NetworkPolicy")
    policy["spec"]["podSelector"] = {"matchLabels": {"app": "another"}}
    assert broken_rules(objects) == {"network-policy"}


def test_a_group_over_several_nodes_is_judged_as_one_replica(objects: list[dict[str, Any]]) -> None:
    whole = deployment(objects)
    template = whole["spec"].pop("template")
    command = template["spec"]["containers"][0]["command"]
    command += ["--pipeline-parallel-size", "2"]
    group = {"size": 2, "leaderTemplate": template, "workerTemplate": template}
    whole |= {"kind": "LeaderWorkerSet", "apiVersion": "leaderworkerset.x-k8s.io/v1"}
    whole["spec"]["leaderWorkerTemplate"] = group
    assert "gpu-count" not in broken_rules(objects)
    group["size"] = 3
    assert "gpu-count" in broken_rules(objects)


def test_an_exception_with_its_reason_silences_its_rule(objects: list[dict[str, Any]]) -> None:
    pod(objects)["hostIPC"] = True
    options = PolicyOptions(exceptions={"host-namespaces": "NCCL needs it on these nodes"})
    assert evaluate(objects, options) == ()


@pytest.mark.parametrize(
    ("exceptions", "expected"),
    [
        ({"host-namespace": "x"}, "there is no such rule, did you mean host-namespaces?"),
        ({"host-namespaces": " "}, "qwen-infra:policy.exceptions.host-namespaces: an exception needs its reason"),
    ],
)
def test_a_wrong_exception_is_told(exceptions: dict[str, str], expected: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        gate(plans(policy={"exceptions": exceptions}))
    assert expected in str(caught.value)


def test_a_mandatory_rule_stops_a_preview_and_an_advisory_stack_only_tells_it() -> None:
    model = {**SMALL["model"], "revision": COMMIT}
    server = {**SMALL["server"], "image": "vllm/vllm-openai:latest", "allowMovingImage": True}
    loose = {"operations": {"requirePinned": False}, "model": model, "server": {**server, "replicas": 1}}
    with pytest.raises(CheckFailedError, match=r"policy: [0-9]+ rules are broken: .*image-tag"):
        gate(plans(**loose))
    told = gate(plans(**loose, policy={"level": "advisory"}))
    assert "image-tag" in {finding.rule for finding in told}
    assert gate(plans(**loose, policy={"level": "off"})) == ()


def test_the_same_object_of_two_models_is_told_once() -> None:
    assert IMAGE
    found = gate(plans(policy={"level": "advisory"}))
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("text", "value"), [("64Gi", 64 * 2**30), ("500m", 0.5), ("1.5", 1.5), (2.0, 2.0), ("", None), ("x", None)]
)
def test_quantities_are_read_as_kubernetes_reads_them(text: object, value: float | None) -> None:
    assert parse_quantity(text) == value


SELECTED = [
    {},
    {"matchLabels": None},
    {"matchExpressions": [{"key": "app", "operator": "In", "values": ["vllm-qwen35-4b", "other"]}]},
    {"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["db"]}]},
    {"matchExpressions": [{"key": "app", "operator": "Exists"}, {"key": "tier", "operator": "DoesNotExist"}]},
]
NOT_SELECTED = [
    {"matchExpressions": [{"key": "app", "operator": "In", "values": ["other"]}]},
    {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["vllm-qwen35-4b"]}]},
    {"matchExpressions": [{"key": "tier", "operator": "Exists"}]},
    {"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]},
    {"matchExpressions": [{"key": "app", "operator": "Near", "values": ["vllm-qwen35-4b"]}]},
]


@pytest.mark.parametrize(
    ("selector", "holds"), [(each, True) for each in SELECTED] + [(each, False) for each in NOT_SELECTED]
)
def test_a_policys_selector_is_read_as_kubernetes_reads_it(
    selector: dict[str, Any], holds: bool, objects: list[dict[str, Any]]
) -> None:
    policy = next(item for item in objects if item["kind"] == "NetworkPolicy")
    policy["spec"]["podSelector"] = selector
    assert ("network-policy" not in broken_rules(objects)) == holds


@pytest.mark.parametrize(
    "spelling", [["-tp", "3"], ["--tensor_parallel_size", "3"], ["--tensor-parallel-size=3"], ["-tp=3"]]
)
def test_a_flag_counts_in_every_spelling_that_vllm_takes(spelling: list[str], objects: list[dict[str, Any]]) -> None:
    container(objects)["command"] += spelling
    assert broken_rules(objects) == {"gpu-count", "tensor-parallel-size"}


@pytest.mark.parametrize("digest", ["@sha256:", "@sha256:abc", f"@sha256:{'A' * 64}", f"@sha256:{'0' * 65}"])
def test_only_a_whole_digest_pins_an_image(digest: str, objects: list[dict[str, Any]]) -> None:
    container(objects)["image"] = f"vllm/vllm-openai{digest}"
    assert "image-digest" in broken_rules(objects)


@st.composite
def with_nulls(draw: st.DrawFn, value: Any) -> Any:
    """The value with some fields null, as charts and engines leave them."""
    if isinstance(value, dict):
        return {key: None if draw(st.integers(0, 9)) == 0 else draw(with_nulls(item)) for key, item in value.items()}
    if isinstance(value, list):
        return [draw(with_nulls(item)) for item in value]
    return value


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_null_is_an_absent_field_and_never_a_traceback(data: st.DataObject) -> None:
    rendered = render_stack(plans())
    changed = [{**data.draw(with_nulls(item)), "kind": item["kind"]} for item in rendered]
    assert {finding.rule for finding in evaluate(changed, PolicyOptions())} <= {rule.name for rule in RULES}
