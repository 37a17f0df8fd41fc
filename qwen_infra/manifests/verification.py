"""The verification on a schedule: the ConfigMap with the suite as one program, and the CronJob that runs it.

The result is in the pod's log and its verdict in the termination message, so that no service account is needed
(docs/adr/0064); ``qwen_infra.checks.collecting`` reads them.
"""

import base64
import json
from typing import Any

from qwen_infra.manifests.names import Names
from qwen_infra.manifests.placement import build_placement
from qwen_infra.manifests.pull_secrets import build_pull_secrets
from qwen_infra.manifests.security import build_container_security, build_pod_security
from qwen_infra.planning import DeploymentPlan, expect_server
from qwen_infra.settings import ScheduleSettings

__all__ = ["CONTAINER", "build_verification_program", "build_verification_schedule"]

CONTAINER = "verification"
PROGRAM, FILE = "/opt/qwen-infra/verification", "verify.pyz"
RESULT = "/dev/termination-log"
USER = 65534
"""nobody: the program reads a ConfigMap and speaks HTTP."""
LATE_S = 600
"""A run that could not begin within this after its time is left out."""


def build_verification_program(names: Names) -> dict[str, Any]:
    """The ConfigMap with the suite as a zip application, which Python runs as it is."""
    from qwen_infra.verification.archive import build_archive  # imports the suite, which few renderings need

    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": names.verification, "namespace": names.namespace, "labels": names.labels},
        "binaryData": {FILE: base64.b64encode(build_archive()).decode("ascii")},
    }


def build_verification_schedule(plan: DeploymentPlan, names: Names, schedule: ScheduleSettings) -> dict[str, Any]:
    """The CronJob: one run at a time, none tried again, each under a deadline; a run that fails is a failed Job."""
    labels = {"app": names.verification, "app.kubernetes.io/part-of": names.server}
    job = {
        "backoffLimit": 0,
        "activeDeadlineSeconds": schedule.timeout_minutes * 60,
        "template": {"metadata": {"labels": labels}, "spec": _pod(plan, names, schedule)},
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {
            "name": names.verification,
            "namespace": names.namespace,
            "labels": {**names.labels, **labels},
        },
        "spec": {
            "schedule": schedule.cron,
            "timeZone": schedule.time_zone,
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": LATE_S,
            "successfulJobsHistoryLimit": schedule.keep,
            "failedJobsHistoryLimit": schedule.keep,
            "jobTemplate": {"metadata": {"labels": labels}, "spec": job},
        },
    }


def _pod(plan: DeploymentPlan, names: Names, schedule: ScheduleSettings) -> dict[str, Any]:
    """On the server's node, where the image lies already; no GPU, no token, nothing writable."""
    key = {"name": names.key_secret, "key": plan.endpoint.key_secret.key}
    return {
        "restartPolicy": "Never",
        **build_pod_security(USER),
        **build_placement(plan.server, plan.cache.nodes),
        **build_pull_secrets(plan.server),
        "containers": [
            {
                "name": CONTAINER,
                "image": plan.server.image,
                "command": _command(plan, names, schedule),
                "env": [
                    {"name": "VLLM_API_KEY", "valueFrom": {"secretKeyRef": key}},
                    {"name": "PYTHONDONTWRITEBYTECODE", "value": "1"},
                ],
                "resources": {
                    "requests": {"cpu": "100m", "memory": "256Mi"},
                    "limits": {"memory": "1Gi"},
                },
                "securityContext": {**build_container_security(), "readOnlyRootFilesystem": True},
                "volumeMounts": [{"name": "program", "mountPath": PROGRAM, "readOnly": True}],
            }
        ],
        "volumes": [{"name": "program", "configMap": {"name": names.verification}}],
    }


def _command(plan: DeploymentPlan, names: Names, schedule: ScheduleSettings) -> list[str]:
    settings, arguments = plan.verification, plan.server.arguments
    chosen = [word for case in settings.include for word in ("--case", case)]
    left_out = [word for case in settings.exclude for word in ("--exclude", case)]
    soak = ["--soak-minutes", str(settings.soak_minutes)] if schedule.level == "soak" else []
    return [
        *("python3", f"{PROGRAM}/{FILE}"),
        *("--url", f"http://{names.service}.{names.namespace}.svc:{plan.endpoint.port}"),
        *("--model", arguments.served_model_name, "--level", schedule.level),
        *("--thinking-default", "on" if arguments.thinks_by_default else "off"),
        *(*chosen, *left_out, *soak),
        *("--gpu", plan.server.gpu.product_label, "--result", RESULT),
        *("--expected", json.dumps(expect_server(plan), sort_keys=True)),
    ]
