"""What `recommend` and `init` write is what `pulumi preview` takes, unchanged, with the real engine and API server."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pulumi.automation import OpType

from qwen_infra import local, toolchain
from tests.integration.harness import open_project

ROOT = Path(__file__).parents[2]
COMMANDS = {
    "recommend": "recommend --gpu gb200 --gpus 4 --for agent --stack-file Pulumi.agent.yaml",
    "init": "init agent --gpu GB200 --gpus 4 --for agent",
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_the_stack_file_that_was_written_previews_unchanged(
    tools: toolchain.Toolchain,
    cluster: local.LocalCluster,
    pulumi_home: Path,
    tmp_path: Path,
    monkeypatch,
    command: str,
) -> None:
    monkeypatch.setenv("PATH", tools.environment()["PATH"])
    path = tmp_path / "Pulumi.agent.yaml"
    program = [sys.executable, "-m", "qwen_infra", *command.split()]
    subprocess.run(program, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, timeout=600)
    environment = {**tools.environment(), "KUBECONFIG": str(cluster.kubeconfig), "PULUMI_HOME": str(pulumi_home)}
    written = yaml.safe_load(path.read_text("utf-8"))
    project = open_project(tmp_path / "project", environment, cluster, written, "agent")
    settings = written["config"]
    previewed = yaml.safe_load((project.folder / "Pulumi.agent.yaml").read_text("utf-8"))["config"]
    assert {key: previewed[key] for key in settings} == settings
    assert project.stack.preview().change_summary[OpType.CREATE] >= 8
