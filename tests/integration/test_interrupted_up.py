"""What an interrupted `pulumi up` left and the state does not know is taken over; what anybody else made is refused."""

import json
import os
import subprocess
from collections.abc import Callable
from typing import IO, Any, cast

import yaml

from tests.integration.harness import SMALL, Project

Make = Callable[..., Project]
LEFT = ("ConfigMap", "Deployment", "Job", "NetworkPolicy", "Secret", "Service")
QUIET: dict[str, Any] = {"verification": {"level": "off"}, "benchmark": {"workload": "off"}}
SHARED: dict[str, Any] = {"cluster": {**SMALL["cluster"], "namespace": "qwen-shared", "createNamespace": False}}


def forget_objects(project: Project, *kinds: str) -> None:
    """The state as it is when an `up` ends after the API server has made the objects and before it is written down."""
    document = json.loads(project.run("stack", "export"))
    resources = document["deployment"]["resources"]
    gone = {item["urn"] for item in resources if item["type"].rpartition(":")[2] in kinds}
    assert {urn.split("::")[2].rpartition(":")[2] for urn in gone} == set(kinds)
    kept = [item for item in resources if item["urn"] not in gone]
    for item in kept:
        item["dependencies"] = [urn for urn in item.get("dependencies", ()) if urn not in gone]
        known = item.get("propertyDependencies") or {}
        item["propertyDependencies"] = {
            key: [urn for urn in urns or () if urn not in gone] for key, urns in known.items()
        }
    document["deployment"]["resources"] = kept
    path = project.folder / "forgetful.json"
    path.write_text(json.dumps(document), "utf-8")
    project.run("stack", "import", "--file", str(path))


def list_uids(project: Project, namespace: str = "qwen-test") -> dict[str, str]:
    kinds = "configmaps,deployments,jobs,networkpolicies,secrets,services"
    items = project.kubectl.items("--namespace", namespace, kinds)
    return {f"{item['kind']} {item['metadata']['name']}": item["metadata"]["uid"] for item in items}


def test_what_an_interrupted_up_left_is_taken_over_made_anew_or_waited_for(project: Make) -> None:
    stack = project(**QUIET)
    stack.up()
    made = list_uids(stack)
    check_taken_over(stack, made)
    check_job_made_anew(stack, made)
    check_waited_for(stack, next(key for key in made if key.startswith("NetworkPolicy ")).partition(" ")[2])
    stack.run("preview", "--expect-no-changes")
    stack.run("refresh", "--preview-only", "--expect-no-changes")


def check_taken_over(stack: Project, made: dict[str, str]) -> None:
    forget_objects(stack, *LEFT)
    told = stack.run("up", "--yes")  # with its preview
    assert told.count("was left by an interrupted `pulumi up` of this state: taken over") >= len(LEFT)
    assert list_uids(stack) == made
    stack.run("preview", "--expect-no-changes")


def check_job_made_anew(stack: Project, made: dict[str, str]) -> None:
    """A Job of other settings cannot be changed; nothing else is made anew."""
    forget_objects(stack, "Job")
    stack.configure({"cache": {"resources": {"cpuRequest": "1"}}})
    told = stack.run("up", "--yes", "--skip-preview")
    assert "was left by an interrupted `pulumi up`, for other settings: made anew" in told
    assert {key.partition(" ")[0] for key, uid in list_uids(stack).items() if made[key] != uid} == {"Job"}


def check_waited_for(stack: Project, policy: str) -> None:
    """Whatever is being deleted must be gone before it is made again."""
    where = ("--namespace=qwen-test", f"networkpolicy/{policy}")
    forget_objects(stack, "NetworkPolicy")
    held = '{"metadata": {"finalizers": ["qwen-infra.dev/held"]}}'
    stack.kubectl.run("patch", *where, "--type=merge", f"--patch={held}")
    stack.kubectl.run("delete", *where, "--wait=false")
    up = subprocess.Popen(
        [str(stack.cluster.bin_folder / "pulumi"), "up", "--yes", "--skip-preview", "--stack", stack.stack_name],
        cwd=stack.folder,
        env={**os.environ, **stack.environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    with up, cast("IO[str]", up.stdout) as printed:
        told = next(line for line in printed if "is being deleted: waiting for its end" in line)
        release = '[{"op": "remove", "path": "/metadata/finalizers"}]'
        stack.kubectl.run("patch", *where, "--type=json", f"--patch={release}")
        rest = printed.read()
    assert up.returncode == 0, told + rest
    assert f"NetworkPolicy {policy}" in list_uids(stack)


def test_an_object_of_somebody_else_is_refused_in_preview_and_up_and_stays(project: Make) -> None:
    stack = project(**QUIET, **SHARED)
    try:
        stack.kubectl.run("create", "namespace", "qwen-shared")
        guard = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "vllm-qwen35-4b-guard", "namespace": "qwen-shared"},
            "data": {"mine": "yes"},
        }
        stack.kubectl.run("create", "--filename=-", stdin=yaml.safe_dump(guard))
        for command in ("preview", "up"):
            told = stack.fail(command)
            lines = [line for line in told.splitlines() if "already exists" in line]
            assert len(lines) == 1, told
            assert "ConfigMap qwen-shared/vllm-qwen35-4b-guard: the object already exists" in lines[0]
            assert "found one that qwen-infra has not made" in lines[0]
            assert "kubectl delete --namespace qwen-shared ConfigMap.v1./vllm-qwen35-4b-guard" in lines[0]
            assert "Traceback" not in told
        live = stack.kubectl.get("--namespace=qwen-shared", "configmap", "vllm-qwen35-4b-guard")
        assert live["data"] == {"mine": "yes"}
        assert "annotations" not in live["metadata"]
    finally:
        stack.destroy()
        stack.kubectl.run("delete", "namespace", "qwen-shared", "--ignore-not-found", timeout_s=300)


def test_another_project_with_a_stack_of_the_same_name_is_refused_before_it_touches_anything(project: Make) -> None:
    first, second = project(**QUIET), project(**QUIET)
    rename(second, "another")
    first.up()
    made = list_uids(first)
    for command in ("preview", "up"):
        told = second.fail(command)
        assert "Namespace qwen-test: the object already exists, and this state of stack test has not made it" in told
        assert "found one of another state of stack test, project qwen-infra" in told
        assert "qwen-infra:cluster.namespace" in told
        assert "Traceback" not in told
    assert list_uids(first) == made
    second.destroy()
    assert list_uids(first) == made
    first.run("preview", "--expect-no-changes")


def rename(project: Project, name: str) -> None:
    """The same program as another Pulumi project, in a backend of its own."""
    path = project.folder / "Pulumi.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text("utf-8")), "name": name}), "utf-8")
    project.forget()
