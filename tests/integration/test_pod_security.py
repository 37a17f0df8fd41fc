"""What the real API server's Pod Security admission says of our pods in a namespace that enforces "restricted".

The expected violations are the exceptions that docs/server.md names, neither more nor fewer.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from qwen_infra import local
from qwen_infra.cluster import ClusterAccess, Kubectl, KubectlError
from qwen_infra.manifests import render_objects
from qwen_infra.planning import make_plan
from qwen_infra.settings import load_settings
from tests.integration.harness import SMALL

NAMESPACE = "restricted"
CLAIM = {"kind": "existingClaim", "claimName": "models"}
FOLDER = {"kind": "hostPath"}
ROOT, VOLUME = "runAsNonRoot != true", "restricted volume types"
AS_ROOT = {"runAsUser": 0}
ROOT_USER = "runAsUser=0"
SCHEDULED = {"schedule": "0 4 * * *"}
CAPABILITIES = "unrestricted capabilities"


@pytest.fixture(scope="module")
def kubectl(cluster: local.LocalCluster) -> Iterator[Kubectl]:
    found = Kubectl(ClusterAccess(str(cluster.kubeconfig), cluster.context), str(cluster.bin_folder / "kubectl"))
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
    found.run("create", "--filename=-", stdin=json.dumps(namespace))
    wait = ("wait", "--for=create", "serviceaccount/default", "--timeout=240s")
    found.run("--namespace", NAMESPACE, *wait, timeout_s=300)
    yield found
    found.run("delete", "namespace", NAMESPACE, timeout_s=300)


def pod_of(kind: str, cache: dict[str, Any], server: dict[str, Any]) -> dict[str, Any]:
    raw = {**SMALL, "cache": cache, "server": {**SMALL["server"], **server}, "verification": SCHEDULED}
    plan = make_plan(load_settings({f"qwen-infra:{key}": value for key, value in raw.items()}))
    (owner,) = [item for item in render_objects(plan) if item["kind"] == kind]
    template = owner["spec"].get("jobTemplate", owner)["spec"]["template"]
    spec = template["spec"]
    metadata = {"name": "tried", "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def violations(kubectl: Kubectl, pod: dict[str, Any]) -> set[str]:
    """The reasons of a refusal, without their details; empty where the API server takes the pod."""
    try:
        kubectl.run("create", "--dry-run=server", "--filename=-", stdin=json.dumps(pod))
    except KubectlError as error:
        _, told, reasons = str(error).partition('violates PodSecurity "restricted:latest": ')
        if not told:
            raise  # refused for another reason
        return set(re.findall(r"(?:^|, )([^(),]+) \(", reasons))
    return set()


@pytest.mark.parametrize(
    ("cache", "server", "of_server", "of_download"),
    [
        (CLAIM, {}, set(), set()),
        (CLAIM, {"gpu": "MI300X"}, {ROOT}, {ROOT}),
        (CLAIM, AS_ROOT, {ROOT, ROOT_USER}, {ROOT, ROOT_USER}),
        (FOLDER, {}, {VOLUME}, {VOLUME, ROOT, ROOT_USER, CAPABILITIES}),
        (FOLDER, {"gpu": "MI300X"}, {VOLUME, ROOT}, {VOLUME, ROOT, ROOT_USER, CAPABILITIES}),
    ],
    ids=["claim", "claim-rocm", "claim-as-root", "folder", "folder-rocm"],
)
def test_the_exceptions_are_exactly_those_that_are_documented(
    kubectl: Kubectl, cache: dict[str, Any], server: dict[str, Any], of_server: set[str], of_download: set[str]
) -> None:
    assert violations(kubectl, pod_of("Deployment", cache, server)) == of_server
    assert violations(kubectl, pod_of("Job", cache, server)) == of_download


@pytest.mark.parametrize("cache", [CLAIM, FOLDER], ids=["claim", "folder"])
def test_a_scheduled_verification_needs_no_exception(kubectl: Kubectl, cache: dict[str, Any]) -> None:
    assert violations(kubectl, pod_of("CronJob", cache, {})) == set()
