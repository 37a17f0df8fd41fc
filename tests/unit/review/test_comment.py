"""What a pull request's comment tells, from previews that the real engine printed."""

import json
from pathlib import Path
from typing import Any

import pytest

from qwen_infra.errors import ConfigurationError
from qwen_infra.review import Preview, read_preview, render_comment, review_preview
from qwen_infra.review.markdown import LONGEST, MARKER

PREVIEWS = Path(__file__).parent / "previews"
GOLDEN = Path(__file__).parents[2] / "golden" / "comment"


def document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((PREVIEWS / f"{name}.json").read_text("utf-8"))
    return found


def comment(value: dict[str, Any]) -> str:
    return render_comment([review_preview(Preview.model_validate(value))])


def edit_server(value: dict[str, Any], state: str, **changes: Any) -> None:
    step = next(item for item in value["steps"] if "qwen:infra:VllmServer::" in item["urn"])
    step[state]["inputs"]["plan"] |= changes


def edit_deployment(value: dict[str, Any], **spec: Any) -> None:
    step = next(item for item in value["steps"] if ":Deployment::" in item["urn"])
    step["newState"]["inputs"]["spec"] |= spec


@pytest.mark.parametrize("name", ["create", "update", "fail"])
def test_a_preview_of_the_engine_becomes_the_comment_that_was_approved(name: str) -> None:
    expected = (GOLDEN / f"{name}.md").read_text("utf-8")
    assert render_comment([review_preview(read_preview(PREVIEWS / f"{name}.json"))]) == expected


def test_the_summary_stands_before_everything_that_is_folded() -> None:
    told = comment(document("update"))
    assert told.startswith(f"{MARKER}\n### `test`: 2 objects, 3 checks to run, at most 7 min without answers")
    assert told.index("### ") < told.index("<details>")


def test_a_changed_argument_is_told_as_the_reason_for_the_next_verification() -> None:
    assert "verification runs: argument --max-model-len: 32768 → 16384 (and 1 more)" in comment(document("update"))


def test_a_check_that_failed_is_told_with_its_summary() -> None:
    value = document("update")
    check = next(item for item in value["steps"] if "VerificationCheck" in item["urn"])
    check["oldState"]["outputs"] |= {"passed": False, "summary": "2 of 5 cases failed"}
    assert "verification runs: its last run failed: 2 of 5 cases failed" in comment(value)


def test_memory_is_told_before_and_after() -> None:
    assert "KV cache 157.9 GiB per GPU, full-length requests at once 142 → 257.9" in comment(document("update"))


def test_cost_is_told_before_and_after_where_a_price_is_given() -> None:
    value = document("update")
    edit_server(value, "oldState", price_per_gpu_hour=3.5)
    edit_server(value, "newState", price_per_gpu_hour=3.5, replicas=2)
    assert "- cost: 3.50 USD/h for 1 GPU → 7.00 USD/h for 2 GPUs" in comment(value)


def test_no_cost_is_told_where_no_price_is_given() -> None:
    assert "cost" not in comment(document("update"))


def test_gpus_are_told_where_no_price_is_given() -> None:
    value = document("update")
    edit_server(value, "newState", replicas=2)
    assert "- GPUs: 1 x GB200 → 2 x GB200 (no price is set: `operations.pricePerGpuHour`)" in comment(value)


def deployed(value: dict[str, Any], **figures: Any) -> dict[str, Any]:
    """The outputs of the stack's only server, with other figures."""
    outputs: dict[str, Any] = value["steps"][0]["oldState"]["outputs"]["deployments"]["vllm-qwen35-4b"]
    outputs["figures"] |= figures
    return outputs


def test_the_last_benchmark_is_told_against_its_baseline() -> None:
    value = document("update")
    figures = {"output_throughput": 1050.0, "p99_ttft_ms": 55.0, "mean_ttft_ms": 30.0}
    deployed(value, **figures, baseline={"output_throughput": 1000.0, "p99_ttft_ms": 50.0, "mean_ttft_ms": 30.01})
    told = comment(value)
    assert (
        "- last benchmark of `vllm-qwen35-4b` against its baseline: output throughput (tok/s) 1050.0, +5.0 % (better); "
        "p99 TTFT (ms) 55.0, +10.0 % (worse)\n"
    ) in told
    assert "| last benchmark | measured | baseline | change |\n|---|---|---|---|\n" in told
    assert "| mean TTFT (ms) | 30.0 | 30.01 | the same |\n" in told
    assert "| p99 TPOT (ms) | 0.02 | – | – |\n" in told
    assert "no baseline to compare with" not in told


def test_a_benchmark_without_baseline_names_the_command_that_sets_one() -> None:
    assert "no baseline to compare with: `qwen-infra baseline set --stack test`" in comment(document("update"))


def test_the_references_figures_stand_beside_those_of_its_workload_only() -> None:
    value = document("update")
    assert "reference, 4 x GB200" not in comment(value)
    deployed(value, output_throughput=990.0)["benchmark"] = "benchmark reference: 32 of 32 requests answered"
    told = comment(value)
    assert "| last benchmark | measured | reference, 4 x GB200 |" in told
    assert "| output throughput (tok/s) | 990.0 | 1005.85 |" in told


def test_a_rolling_update_is_told_without_downtime() -> None:
    value = document("update")
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    edit_deployment(value, replicas=3, strategy=rolling)
    told = comment(value)
    assert "no downtime expected" in told
    assert "at least 2 of 3 copies answer" in told


def test_a_rolling_update_that_takes_the_only_copy_is_a_downtime() -> None:
    value = document("update")
    edit_deployment(value, strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}})
    assert "at most 7 min without answers" in comment(value)


GENERATIONS = {"app.kubernetes.io/part-of": "vllm-qwen35-4b"}


def workload_step(op: str, name: str, kind: str = "apps/v1:Deployment", **state: Any) -> dict[str, Any]:
    metadata = {"name": name, "labels": GENERATIONS, "annotations": {"qwen-infra.dev/rollout": "blueGreen"}}
    found = {"type": f"kubernetes:{kind}", "inputs": {"metadata": metadata, **state}}
    urn = f"urn:pulumi:test::qwen-infra::qwen:infra:VllmServer$kubernetes:{kind}::{name}"
    states = {"create": {"newState": found}, "delete": {"oldState": found}, "update": {"newState": found}}
    return {"op": op, "urn": urn, **states[op]}


@pytest.mark.parametrize("op", ["create", "update"])
def test_a_generation_that_follows_another_is_told_without_downtime(op: str) -> None:
    value = document("create")
    value["steps"] = [workload_step("delete", "vllm-qwen35-4b"), workload_step(op, "vllm-qwen35-4b-green")]
    told = comment(value)
    assert "no downtime expected" in told
    assert "vllm-qwen35-4b-green is checked beside vllm-qwen35-4b, then the endpoint moves to it" in told
    assert "answers no more" not in told


def test_a_group_over_nodes_is_down_while_its_only_copy_is_replaced() -> None:
    def template(image: str) -> dict[str, Any]:
        container = {"image": image, "startupProbe": {"periodSeconds": 10, "failureThreshold": 60}}
        return {"spec": {"terminationGracePeriodSeconds": 60, "containers": [container]}}

    def spec(image: str, replicas: int) -> dict[str, Any]:
        pods = {"leaderTemplate": template(image), "workerTemplate": template(image)}
        return {"replicas": replicas, "leaderWorkerTemplate": pods}

    def told(replicas: int) -> str:
        value = document("create")
        step = workload_step("update", "vllm-qwen35-397b", "leaderworkerset.x-k8s.io/v1:LeaderWorkerSet")
        step["newState"]["inputs"] = {"metadata": {"name": "vllm-qwen35-397b"}, "spec": spec("new", replicas)}
        step["oldState"] = {"inputs": {"spec": spec("old", replicas)}}
        value["steps"] = [step]
        return comment(value)

    assert "at most 11 min without answers" in told(1)
    assert "at least 2 of 3 groups answer" in told(3)


def test_a_failed_preview_says_why_first() -> None:
    told = comment(document("fail"))
    assert "**the preview fails** (1 error)" in told
    assert "- **cannot be deployed**: qwen-infra:server.gpu: no node has this GPU" in told


def test_a_broken_rule_is_told_among_the_first_lines() -> None:
    value = document("update")
    value["diagnostics"] = [{"severity": "warning", "message": "policy image-digest: a tag moves"}]
    assert "- policy image-digest: a tag moves\n" in comment(value)


def test_the_order_in_which_the_engine_tells_its_steps_does_not_matter() -> None:
    value = document("update")
    turned = {**value, "steps": [value["steps"][0], *value["steps"][:0:-1]]}
    assert comment(turned) == comment(value)


def test_nothing_to_change_is_one_line() -> None:
    value = document("update")
    value["steps"] = value["steps"][:1]
    assert "### `test`: no changes" in comment(value)


def test_several_stacks_are_one_comment_in_the_order_of_their_names() -> None:
    first, second = document("update"), document("create")
    renamed = json.loads(json.dumps(first).replace("urn:pulumi:test::", "urn:pulumi:alpha::"))
    reviews = [review_preview(Preview.model_validate(value)) for value in (second, renamed)]
    told = render_comment(reviews)
    assert told.index("### `alpha`") < told.index("### `test`")
    assert told == render_comment(reviews[::-1])
    assert "<summary>alpha: " in told


def test_a_comment_is_never_longer_than_it_may_be_and_says_what_is_left_out() -> None:
    value = document("create")
    many = [
        {**step, "urn": f"{step['urn']}-{number}"}
        for number in range(60)
        for step in value["steps"]
        if "kubernetes:apps" in step["urn"]
    ]
    told = comment({**value, "steps": value["steps"] + many})
    assert len(told) < LONGEST + 200
    assert "left out, since a comment has a longest length" in told


def test_text_of_others_cannot_break_out_of_its_place() -> None:
    value = document("update")
    value["diagnostics"] = [{"severity": "error", "message": "</details>\n# injected\n| x |"}]
    told = comment(value)
    assert "&lt;/details&gt; # injected" in told
    assert "\n# injected" not in told


def test_a_fence_is_longer_than_any_in_the_manifest() -> None:
    value = document("update")
    step = next(item for item in value["steps"] if ":Deployment::" in item["urn"])
    step["newState"]["inputs"]["metadata"]["annotations"] = {"note": "```"}
    assert "````diff" in comment(value)


@pytest.mark.parametrize("text", ["", "not JSON", "[1]", '{"steps": 3}', "{" * 5000])
def test_a_file_that_is_no_preview_is_told_with_the_command_that_makes_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "preview.json"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError, match="pulumi preview --json --non-interactive"):
        read_preview(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="the preview cannot be read"):
        read_preview(tmp_path / "missing.json")
