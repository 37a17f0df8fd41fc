"""The commands of the documents, run as a reader runs them: in a copy of the repository, block by block.

``CONTRIBUTING.md`` says what the marks mean; the blocks of the demo are run by ``tests/e2e/test_first_steps.py``.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from qwen_infra import local, toolchain
from qwen_infra.local.hub.repository import HubRepository
from qwen_infra.local.hub.server import serve_hub
from qwen_infra.local.ports import find_free_ports
from qwen_infra.local.profiles import build_nodes, find_profile
from tests.command_blocks import Block, lines_missing, marked_blocks, shell_script
from tests.e2e.test_demo import copy_repository

ROOT = Path(__file__).parents[2]
KEY = "..."
"""As the documents write it: ``export VLLM_API_KEY=...``."""
PREVIEW = ROOT / "tests" / "unit" / "review" / "previews" / "update.json"
FIRST = "README.md"
FIRST_OF_PAGE = list({block.page: block for block in reversed(marked_blocks("here"))}.values())
"""A page goes on from its own blocks, not from another page's."""


@dataclass(frozen=True)
class Place:
    """Where blocks are run: a copy of the repository, its variables, and the port that stands for 8000."""

    folder: Path
    environment: dict[str, str]
    port: int

    def run(self, block: Block) -> subprocess.CompletedProcess[str]:
        for name, text in block.files:
            (self.folder / name).write_text(text, "utf-8")
        script = shell_script(block, self.port)
        for shown in ("/data/", "/new/disk"):
            script = script.replace(f" {shown}", f" {self.folder.parent}{shown}")
        return subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.environment,
            input="\n" * 20,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def kubectl(self, *words: str, stdin: str = "") -> None:
        command = ["kubectl", *words]
        subprocess.run(command, cwd=self.folder, env=self.environment, input=stdin, text=True, check=True, timeout=600)


def make_place(folder: Path, **variables: str) -> Place:
    """A copy with a Git history whose ``origin/main`` is the present commit, and a home of its own."""
    copy, home = folder / "qwen-infra", folder / "home"
    home.mkdir()
    copy_repository(copy)
    for name in ("preview.json", "staging.json", "prod.json"):
        shutil.copy(PREVIEW, copy / name)
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    for command in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-q", "-m", "all")):
        subprocess.run(["git", *identity, *command], cwd=copy, check=True)
    subprocess.run(["git", "update-ref", "refs/remotes/origin/main", "HEAD"], cwd=copy, check=True)
    path = os.pathsep.join([str(Path(sys.executable).parent), variables.pop("PATH", os.environ["PATH"])])
    unset = {"KUBECONFIG", "VLLM_API_KEY"}
    inherited = {key: value for key, value in os.environ.items() if key not in unset}
    return Place(copy, {**inherited, "HOME": str(home), **variables, "PATH": path}, find_free_ports(1)[0])


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return make_place(tmp_path_factory.mktemp("here"))


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A place where a stand-in answers for the Hub, and where a model was put by hand."""
    files = tmp_path_factory.mktemp("files")
    (files / "config.json").write_text("{}", "utf-8")
    (files / "model.safetensors").write_bytes(bytes(range(256)) * 64)
    repository = HubRepository("Qwen/any", any_commit=True)
    repository.publish(files)
    with serve_hub([], fallback=repository) as served:
        place = make_place(tmp_path_factory.mktemp("hub"), HF_ENDPOINT=served.endpoint)
        shutil.copytree(files, place.folder.parent / "data" / "models" / "old")
        yield place


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A place where a simulated server answers."""
    place = make_place(tmp_path_factory.mktemp("server"), VLLM_API_KEY=KEY)
    options = ("--port", str(place.port), "--profile", "instant", "--served-model-name", "qwen3.5")
    command = [sys.executable, "-m", "qwen_infra.simulator", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=place.environment) as process:
        try:
            assert process.stdout is not None
            next(line for line in process.stdout if line.startswith("listening on "))
            yield place
        finally:
            process.kill()


@pytest.fixture(scope="module")
def deployed(
    tools: toolchain.Toolchain, cluster: local.LocalCluster, pulumi_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Place, dict[str, subprocess.CompletedProcess[str]]]]:
    """A place whose cluster runs README's stack ``mine``, and what README's blocks printed, which deployed it."""
    place = make_place(
        tmp_path_factory.mktemp("deployed"),
        **tools.environment(),
        KUBECONFIG=str(cluster.kubeconfig),
        PULUMI_HOME=str(pulumi_home),
        PULUMI_CONFIG_PASSPHRASE="only for this test",
    )
    nodes = json.dumps({"apiVersion": "v1", "kind": "List", "items": build_nodes(find_profile("CPU:1"))})
    place.kubectl("create", "--validate=false", "--filename=-", stdin=nodes)
    try:
        printed = {str(block): place.run(block) for block in marked_blocks("cluster") if block.page == FIRST}
        assert (place.folder / "results" / "mine").exists(), "\n".join(done.stderr for done in printed.values())
        shutil.copytree(place.folder / "results" / "mine", place.folder / "results" / "gb200")
        yield place, printed
    finally:
        for stack, folder in (("mine", "."), ("cpu-dev", "."), ("fleet", "fleet")):
            command = ["pulumi", "--cwd", folder, "destroy", "--yes", "--skip-preview", "--stack", stack]
            subprocess.run(command, cwd=place.folder, env=place.environment, capture_output=True, check=False)
        place.kubectl("delete", "namespace", "qwen-dev", "--ignore-not-found")
        place.kubectl("delete", "--filename=-", stdin=nodes)


def judge(block: Block, done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, f"{block.text}\n{done.stdout}\n{done.stderr}"
    assert lines_missing(block.output, done.stdout) == [], done.stdout


@pytest.mark.parametrize("block", marked_blocks("here"), ids=str)
def test_a_command_that_needs_nothing(here: Place, block: Block) -> None:
    if block in FIRST_OF_PAGE:
        subprocess.run("git clean -fdq && git checkout -q .", cwd=here.folder, shell=True, check=True)
    judge(block, here.run(block))


@pytest.mark.parametrize("block", marked_blocks("hub"), ids=str)
def test_a_command_that_asks_the_hub(hub: Place, block: Block) -> None:
    judge(block, hub.run(block))


@pytest.mark.parametrize("block", marked_blocks("server"), ids=str)
def test_a_command_for_a_server(server: Place, block: Block) -> None:
    judge(block, server.run(block))


@pytest.mark.parametrize("block", marked_blocks("cluster"), ids=str)
def test_a_command_for_a_cluster(
    deployed: tuple[Place, dict[str, subprocess.CompletedProcess[str]]], block: Block
) -> None:
    place, printed = deployed
    judge(block, printed[str(block)] if block.page == FIRST else place.run(block))
