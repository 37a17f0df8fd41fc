"""The CronJob of a scheduled verification, and who lets it in."""

import base64
import io
import json
import zipfile
from typing import Any

import pytest

from qwen_infra.manifests import build_endpoint, decide_names, render_objects
from qwen_infra.manifests.permissions import list_permissions
from qwen_infra.planning import DeploymentPlan, make_plan
from qwen_infra.settings import load_settings

NAME = "vllm-qwen35-4b-verification"


def plan(schedule: Any = "0 4 * * *", **verification: Any) -> DeploymentPlan:
    raw = {
        "cluster": {"identifier": "test", "namespace": "qwen"},
        "model": {"name": "Qwen3.5-4B", "precision": "bf16"},
        "server": {"gpu": "H200", "maxModelLen": 8192},
        "endpoint": {"port": 9000},
        "verification": {**verification, **({"schedule": schedule} if schedule else {})},
    }
    return make_plan(load_settings({f"qwen-infra:{key}": value for key, value in raw.items()}), "prod")


def cron_job(schedule: Any = "0 4 * * *", **verification: Any) -> dict[str, Any]:
    made = plan(schedule, **verification)
    return build_endpoint(made, decide_names(made))["verification-schedule"]


def pod_of(job: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return spec


def command(**verification: Any) -> list[str]:
    words: list[str] = pod_of(cron_job(**verification))["containers"][0]["command"]
    return words


def test_without_a_schedule_nothing_of_it_is_made() -> None:
    assert not [item for item in render_objects(plan(schedule=None)) if item["metadata"]["name"] == NAME]


def test_a_schedule_makes_a_program_and_a_cron_job() -> None:
    made = [item["kind"] for item in render_objects(plan()) if item["metadata"]["name"] == NAME]
    assert made == ["ConfigMap", "CronJob"]


def test_one_run_at_a_time_under_a_deadline_none_again_and_few_kept() -> None:
    spec = cron_job({"cron": "@daily", "timeZone": "Europe/Berlin", "timeoutMinutes": 7, "keep": 2})["spec"]
    assert (spec["schedule"], spec["timeZone"], spec["concurrencyPolicy"]) == ("@daily", "Europe/Berlin", "Forbid")
    assert (spec["successfulJobsHistoryLimit"], spec["failedJobsHistoryLimit"]) == (2, 2)
    job = spec["jobTemplate"]["spec"]
    assert (job["activeDeadlineSeconds"], job["backoffLimit"]) == (420, 0)
    assert job["template"]["spec"]["restartPolicy"] == "Never"


def test_the_pod_has_no_token_no_root_no_privileges_and_no_gpu() -> None:
    pod = pod_of(cron_job())
    (container,) = pod["containers"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"] == {
        "seccompProfile": {"type": "RuntimeDefault"},
        "runAsUser": 65534,
        "runAsNonRoot": True,
    }
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert container["resources"] == {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}}
    assert [volume["name"] for volume in pod["volumes"]] == ["program"]


def test_the_key_comes_from_its_secret_and_stands_nowhere() -> None:
    (container,) = pod_of(cron_job())["containers"]
    reference = {"secretKeyRef": {"name": "vllm-qwen35-4b-api-key", "key": "api-key"}}
    assert {"name": "VLLM_API_KEY", "valueFrom": reference} in container["env"]


def test_it_asks_the_service_inside_the_cluster_for_what_the_stack_file_chose() -> None:
    words = command(
        schedule={"cron": "@daily", "level": "soak"}, include=["tools-*"], exclude=["hang-up"], soakMinutes=9
    )
    asked = " ".join(words[: words.index("--expected")])
    assert "--url http://vllm-qwen35-4b-service.qwen.svc:9000 --model qwen3.5" in asked
    assert "--level soak --thinking-default on --case tools-* --exclude hang-up --soak-minutes 9" in asked
    assert "--gpu NVIDIA-H200 --result /dev/termination-log" in asked


def test_it_knows_what_the_plan_expects_of_the_server() -> None:
    words = command()
    expected = json.loads(words[words.index("--expected") + 1])
    assert (expected["max_model_len"], expected["takes_images"]) == (8192, True)
    assert expected["num_gpu_blocks"] > 0


def test_the_network_policy_lets_its_pods_in_whoever_else_may_come() -> None:
    made = plan()
    rules = build_endpoint(made, decide_names(made))["network-policy"]["spec"]["ingress"]
    assert {"podSelector": {"matchLabels": {"app": NAME}}} in [peer for rule in rules for peer in rule["from"]]
    assert cron_job()["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["labels"]["app"] == NAME


def test_preflight_asks_for_the_permission_to_make_it() -> None:
    assert ("batch", "cronjobs") in list_permissions(plan(), namespace_exists=True)
    assert ("batch", "cronjobs") not in list_permissions(plan(schedule=None), namespace_exists=True)


def test_what_kubectl_asks_before_a_log_or_a_tunnel_is_among_the_permissions() -> None:
    assert list_permissions(plan(), namespace_exists=True)["", "pods"] == ("get", "list")


@pytest.mark.parametrize("level", ["off", "smoke"])
def test_the_schedule_is_its_own_and_runs_whatever_a_deployment_checks(level: str) -> None:
    assert "full" in command(level=level)


def test_the_program_is_one_zip_that_fits_into_a_config_map() -> None:
    (program,) = [item for item in render_objects(plan()) if item["kind"] == "ConfigMap" and item.get("binaryData")]
    text = program["binaryData"]["verify.pyz"]
    assert len(text) < 1_000_000
    names = zipfile.ZipFile(io.BytesIO(base64.b64decode(text))).namelist()
    assert {"__main__.py", "qwen_infra/verification/pod.py", "qwen_infra/verification/cases/tools.py"} <= set(names)
