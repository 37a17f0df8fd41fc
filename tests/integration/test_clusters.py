"""Several clusters at once, a stack that meets the wrong one, a lost state, and an `up` that is killed."""

import os
import random
import signal
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from qwen_infra import local, toolchain
from qwen_infra.cluster import ClusterAccess, Kubectl
from tests.integration.harness import SMALL, Project, make_project

Make = Callable[..., Project]
Place = Callable[[local.LocalCluster, dict[str, Any]], Project]
KILLS = 10


@pytest.fixture(scope="module")
def neighbours(
    tools: toolchain.Toolchain, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[local.LocalCluster]]:
    """Two more clusters beside the one of all tests."""
    root = tmp_path_factory.mktemp("neighbours")
    names = [f"it-{os.getpid()}-{number}" for number in (2, 3)]
    try:
        found = []
        for name in names:
            local.configure_simulator(name, {"profile": "instant"}, state_root=root)
            found.append(
                local.up(name, profile="gb200", server="simulator", bin_folder=tools.bin_folder, state_root=root)
            )
        yield found
    finally:
        for name in names:
            local.down(name, state_root=root)


@pytest.fixture
def place(
    tmp_path: Path, pulumi_home: Path, tools: toolchain.Toolchain, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    """Makes a project on a cluster of choice; what it deployed is destroyed after the test."""
    made: list[Project] = []
    monkeypatch.setenv("PATH", tools.environment()["PATH"])

    def make(cluster: local.LocalCluster, changes: dict[str, Any]) -> Project:
        environment = {**tools.environment(), "KUBECONFIG": str(cluster.kubeconfig), "PULUMI_HOME": str(pulumi_home)}
        made.append(make_project(tmp_path / f"placed-{len(made)}", environment, cluster, changes))
        return made[-1]

    yield make
    for item in made:
        item.destroy()


def point_at(project: Project, cluster: local.LocalCluster) -> None:
    """What a changed current context does: the same stack, another cluster."""
    workspace = project.stack.workspace
    workspace.env_vars = {**workspace.env_vars, "KUBECONFIG": str(cluster.kubeconfig)}


def namespaces(cluster: local.LocalCluster) -> str:
    access = ClusterAccess(str(cluster.kubeconfig), cluster.context)
    return Kubectl(access, str(cluster.bin_folder / "kubectl")).run("get", "namespaces", "--output=name")


def test_a_stack_that_meets_another_cluster_of_the_same_name_stops_before_it_touches_anything(project, neighbours):
    stack, other = project(), neighbours[0]
    stack.up()
    point_at(stack, other)
    for command in ("preview", "up"):
        told = stack.fail(command)
        assert "this stack was deployed to another cluster of the name test (found kube-system " in told
        assert "qwen-infra:cluster.context" in told
        assert "Traceback" not in told
    point_at(stack, stack.cluster)
    assert "namespace/qwen-test" in namespaces(stack.cluster)
    assert "namespace/qwen-test" not in namespaces(other)
    stack.run("preview", "--expect-no-changes")


def test_a_lost_state_is_rebuilt_by_adoption_with_the_same_key_and_pods(project):
    lost = project()
    lost.up()
    held = what_is_held(lost)
    lost.forget()
    found = project()
    assert "already exists" in found.fail("up")
    found.configure({"cluster": {**SMALL["cluster"], "adopt": True}})
    found.up()
    assert what_is_held(found) == held
    found.run("preview", "--expect-no-changes")


def what_is_held(project: Project) -> tuple[str, ...]:
    """What an adoption must leave as it is: the same pods' maker, the same weights' Job, the same API key."""
    asked = {"deployments": "metadata.uid", "jobs": "metadata.uid", "secrets": "data"}
    return tuple(
        project.kubectl.run("get", kind, "--namespace=qwen-test", f"--output=jsonpath={{.items[*].{field}}}")
        for kind, field in asked.items()
    )


def test_three_clusters_are_deployed_at_once_and_a_change_of_one_shows_in_no_other(cluster, neighbours, place):
    stacks = [
        place(each, {"cluster": {**SMALL["cluster"], "identifier": f"cluster-{number}"}})
        for number, each in enumerate([cluster, *neighbours])
    ]
    with ThreadPoolExecutor(len(stacks)) as pool:
        outputs = list(pool.map(lambda each: each.up(), stacks))
    assert [set(each) for each in outputs] == [set(outputs[0])] * 3
    stacks[0].configure({"server": {**SMALL["server"], "replicas": 2}})
    for untouched in stacks[1:]:
        untouched.run("preview", "--expect-no-changes")
    stacks[0].up()
    for untouched in stacks[1:]:
        untouched.run("preview", "--expect-no-changes")


def test_an_up_that_is_killed_at_any_moment_converges_when_it_is_run_again(project):
    """Ten kills of everything that `up` started; each run goes on from where the one before it was."""
    stack = project()
    draw = random.Random(9)
    killed = [kill_up_after(stack, draw.uniform(1, 8)) for _ in range(KILLS)]
    assert any(killed), "every up ended before it could be killed"
    unlock(stack)
    stack.run("up", "--yes", "--skip-preview", "--refresh")
    stack.run("preview", "--expect-no-changes")
    assert stack.result("verification")["passed"]


def kill_up_after(stack: Project, seconds: float) -> bool:
    """Whether `pulumi up` was still under way."""
    unlock(stack)
    words = ("up", "--yes", "--skip-preview", "--refresh", "--stack", stack.stack_name)
    command = [str(stack.cluster.bin_folder / "pulumi"), *words]
    environment = {**os.environ, **stack.environment}
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, cwd=stack.folder, env=environment, stdout=quiet, stderr=quiet, start_new_session=True
    ) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return True
    return False


def unlock(stack: Project) -> None:
    """The lock of a killed `up` stays; its owner is gone."""
    stack.run("cancel", "--yes")
