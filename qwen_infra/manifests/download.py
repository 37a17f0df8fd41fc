"""The download: the ConfigMap with its program, the Job that runs it, or the init container that does in each pod."""

from typing import Any

from qwen_infra.download import Exit, bundle_downloader
from qwen_infra.manifests.names import Names
from qwen_infra.manifests.placement import build_placement
from qwen_infra.manifests.pull_secrets import build_pull_secrets
from qwen_infra.manifests.security import build_container_security, build_pod_security
from qwen_infra.manifests.storage import MODEL, download_volume
from qwen_infra.planning import DeploymentPlan

__all__ = ["CONTAINER", "build_download_job", "build_download_script", "build_init_containers", "init_volumes"]

CONTAINER = "download"
SCRIPT, PROGRAM, CERTIFICATES = "download.py", "/opt/qwen-infra/download", "/opt/qwen-infra/certificates"
STORE = "/models"
RESULT = "/dev/termination-log"
RETRIES = 6
"""Pods that end with an exit code that a retry can mend, beyond the program's own tries within each."""


def build_download_script(names: Names) -> dict[str, Any]:
    """The ConfigMap with the downloader; one file, so that it runs in the vLLM image as it is."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": names.download_script, "namespace": names.namespace, "labels": names.labels},
        "data": {SCRIPT: bundle_downloader()},
    }


def build_download_job(plan: DeploymentPlan, names: Names, node: str) -> dict[str, Any]:
    """The Job that downloads on ``node``, or where the scheduler puts it; without token, GPU or an end in itself.

    Pulumi's own wait is off: ``WeightsReadiness`` waits, tells the progress and says why it failed.
    """
    name = names.downloads[node]
    labels = {"app": name, "app.kubernetes.io/part-of": names.server}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": names.namespace,
            "labels": {**names.labels, **labels},
            "annotations": {
                "pulumi.com/replaceUnready": "true",
                "pulumi.com/skipAwait": "true",
                # gone at once, not after its pods: the replacement has the same name, and no wait is between them
                "pulumi.com/deletionPropagationPolicy": "background",
            },
        },
        "spec": {
            "backoffLimit": RETRIES,
            "activeDeadlineSeconds": plan.cache.storage.timeout_minutes * 60,
            "podFailurePolicy": {"rules": _failure_rules()},
            "template": {"metadata": {"labels": labels}, "spec": _pod(plan, names, node)},
        },
    }


def build_init_containers(plan: DeploymentPlan) -> dict[str, Any]:
    """The download inside a server's pod, for ``cache.kind: none``; else nothing."""
    if not plan.cache.runs_in_pod:
        return {}
    return {"initContainers": [_container(plan, ["--to", STORE], {"name": MODEL, "mountPath": STORE})]}


def init_volumes(plan: DeploymentPlan, names: Names) -> list[dict[str, Any]]:
    """What the init container needs beside the weights' own volume."""
    return _program_volumes(plan, names) if plan.cache.runs_in_pod else []


def _failure_rules() -> list[dict[str, Any]]:
    """Fail at once on what no retry can mend; a pod that its node lost does not count."""
    final = sorted(int(code) for code in Exit if code.is_final and code is not Exit.COMPLETE)
    return [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]},
        {"action": "FailJob", "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": final}},
    ]


def _pod(plan: DeploymentPlan, names: Names, node: str) -> dict[str, Any]:
    storage, server = plan.cache.storage, plan.server
    is_claim = storage.kind != "hostPath"
    keep = ["--keep-revisions", str(storage.keep_revisions)] if storage.keep_revisions else []
    return {
        "restartPolicy": "Never",
        # a claim is given to the server's user through fsGroup; a folder of the node is made by the kubelet, for root
        **build_pod_security(server.user if is_claim else 0, owns_claim=is_claim),
        **build_placement(server, [node] if node else []),
        **build_pull_secrets(server),
        "containers": [
            _container(plan, ["--store", STORE, *keep, *_kernels(plan)], {"name": "storage", "mountPath": STORE})
        ],
        "volumes": [download_volume(plan, names, "storage"), *_program_volumes(plan, names)],
    }


def _kernels(plan: DeploymentPlan) -> list[str]:
    """The folder of compiled kernels is made here, for the user who will write to it."""
    if plan.cache.kernels != "volume":
        return []
    owner = ["--kernels-owner", str(plan.server.user or 0)] if _gives_kernels_away(plan) else []
    return ["--kernels", f"{STORE}/{plan.cache.kernels_folder}", *owner]


def _gives_kernels_away(plan: DeploymentPlan) -> bool:
    """To root, too: without capabilities it may not write what was another user's before."""
    return plan.cache.kernels == "volume" and plan.cache.storage.kind == "hostPath"


def _container(plan: DeploymentPlan, place: list[str], mount: dict[str, Any]) -> dict[str, Any]:
    resources = plan.cache.storage.resources
    return {
        "name": CONTAINER,
        "image": plan.server.image,
        "command": _command(plan, place),
        "env": _environment(plan),
        "resources": {
            "requests": {"cpu": resources.cpu_request, "memory": resources.memory_request},
            "limits": {"memory": resources.memory_limit},
        },
        "securityContext": _security(plan),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [mount, *_program_mounts(plan)],
    }


def _command(plan: DeploymentPlan, place: list[str]) -> list[str]:
    cache, storage = plan.cache, plan.cache.storage
    allow = [word for pattern in storage.allow_patterns for word in ("--allow", pattern)]
    ignore = [word for pattern in storage.ignore_patterns for word in ("--ignore", pattern)]
    return [
        *("python3", f"{PROGRAM}/{SCRIPT}", cache.repository, "--revision", cache.revision, *place, *allow, *ignore),
        *("--jobs", str(storage.files_at_once), "--stall-seconds", str(storage.stall_seconds)),
        *("--progress", "lines", "--result", RESULT),
    ]


def _security(plan: DeploymentPlan) -> dict[str, Any]:
    """On a node's folder the capabilities with which root may read and link what another user put there, and CHOWN."""
    security = build_container_security()
    if plan.cache.storage.kind == "hostPath":
        giving = ["CHOWN"] if _gives_kernels_away(plan) else []
        security["capabilities"] = {**security["capabilities"], "add": [*giving, "DAC_OVERRIDE", "FOWNER"]}
    return security


def _environment(plan: DeploymentPlan) -> list[dict[str, Any]]:
    """The Hub token is here and nowhere else; the server runs with HF_HUB_OFFLINE=1 and without it."""
    storage = plan.cache.storage
    given = {
        "HF_ENDPOINT": storage.hub_endpoint,
        "HTTP_PROXY": storage.proxy.http,
        "HTTPS_PROXY": storage.proxy.https,
        "NO_PROXY": storage.proxy.except_for,
        "SSL_CERT_FILE": f"{CERTIFICATES}/{storage.certificates.key}" if storage.certificates else None,
    }
    found: list[dict[str, Any]] = [{"name": name, "value": value} for name, value in given.items() if value]
    found.append({"name": "HF_HUB_DISABLE_TELEMETRY", "value": "1"})
    if storage.hub_token:
        reference = {"name": storage.hub_token.secret_name, "key": storage.hub_token.key}
        found.append({"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": reference}})
    return found


def _program_volumes(plan: DeploymentPlan, names: Names) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{"name": "downloader", "configMap": {"name": names.download_script}}]
    if plan.cache.storage.certificates:
        found.append({"name": "certificates", "configMap": {"name": plan.cache.storage.certificates.config_map_name}})
    return found


def _program_mounts(plan: DeploymentPlan) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{"name": "downloader", "mountPath": PROGRAM, "readOnly": True}]
    if plan.cache.storage.certificates:
        found.append({"name": "certificates", "mountPath": CERTIFICATES, "readOnly": True})
    return found
