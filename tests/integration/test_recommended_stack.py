"""What `qwen-infra recommend` writes is what `pulumi preview` takes, unchanged, with the real engine and API server."""

import subprocess
import sys
from pathlib import Path

import yaml
from pulumi.automation import OpType

from qwen_infra import local, toolchain
from tests.integration.harness import open_project

COMMAND = "recommend --gpu gb200 --gpus 4 --for agent --stack-file"


def test_the_recommended_stack_file_previews_unchanged(
    tools: toolchain.Toolchain, cluster: local.LocalCluster, pulumi_home: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("PATH", tools.environment()["PATH"])
    path = tmp_path / "Pulumi.agent.yaml"
    subprocess.run([sys.executable, "-m", "qwen_infra", *COMMAND.split(), str(path)], check=True, timeout=120)
    environment = {**tools.environment(), "KUBECONFIG": str(cluster.kubeconfig), "PULUMI_HOME": str(pulumi_home)}
    written = yaml.safe_load(path.read_text("utf-8"))
    project = open_project(tmp_path / "project", environment, cluster, written, "agent")
    settings = written["config"]
    previewed = yaml.safe_load((project.folder / "Pulumi.agent.yaml").read_text("utf-8"))["config"]
    assert {key: previewed[key] for key in settings} == settings
    assert project.stack.preview().change_summary[OpType.CREATE] >= 8
