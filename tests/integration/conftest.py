"""One simulated cluster of their own for all integration tests, and Pulumi projects that deploy to it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qwen_infra import local, toolchain
from tests.integration.harness import Project, make_project


@pytest.fixture(scope="session")
def tools() -> toolchain.Toolchain:
    return toolchain.ensure(toolchain.PROGRAMS)


@pytest.fixture(scope="session")
def cluster(tools: toolchain.Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[local.LocalCluster]:
    """A gb200 cluster whose pods are served by the simulator without waiting times."""
    root = tmp_path_factory.mktemp("cluster")
    name = f"it-{os.getpid()}"
    local.configure_simulator(name, {"profile": "instant"}, state_root=root)
    try:
        yield local.up(name, profile="gb200", server="simulator", bin_folder=tools.bin_folder, state_root=root)
    finally:
        local.down(name, state_root=root)


@pytest.fixture(scope="session")
def pulumi_home(tools: toolchain.Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("pulumi-home")
    tools.install_provider(home)
    return home


@pytest.fixture
def project(
    tmp_path: Path,
    tools: toolchain.Toolchain,
    cluster: local.LocalCluster,
    pulumi_home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., Project]]:
    """Makes projects; what they deployed is destroyed after the test, and faults are switched off."""
    made: list[Project] = []
    monkeypatch.setenv("PATH", tools.environment()["PATH"])

    def make(**changes: object) -> Project:
        environment = {**tools.environment(), "KUBECONFIG": str(cluster.kubeconfig), "PULUMI_HOME": str(pulumi_home)}
        made.append(make_project(tmp_path / f"project-{len(made)}", environment, cluster, changes))
        return made[-1]

    yield make
    local.set_faults(cluster.name, [], state_root=cluster.state_folder.parent)
    for item in made:
        item.destroy()
