"""The project ``fleet/`` with the real engine: other stacks by StackReference, a ConfigMap, and what is missing."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi.automation import CommandError, LocalWorkspaceOptions, Stack, create_or_select_stack

from tests.integration.harness import ROOT, Project

Make = Callable[..., Project]
QUIET = {"verification": {"level": "off"}, "benchmark": {"workload": "off"}}


def open_fleet(project: Project, **values: Any) -> Stack:
    """The project of the repository in the backend of ``project``."""
    folder = project.folder.parent / "fleet"
    shutil.copytree(ROOT / "fleet", folder, ignore=shutil.ignore_patterns("__pycache__"))
    description = yaml.safe_load((folder / "Pulumi.yaml").read_text("utf-8"))
    description["runtime"]["options"]["virtualenv"] = sys.prefix
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(description), "utf-8")
    options = LocalWorkspaceOptions(env_vars=project.environment)
    configure(folder, values)
    return create_or_select_stack("fleet", work_dir=str(folder), opts=options)


def configure(folder: Path, values: dict[str, Any]) -> None:
    path = folder / "Pulumi.fleet.yaml"
    document = yaml.safe_load(path.read_text("utf-8"))
    document["config"] |= {f"qwen-infra-fleet:{key}": value for key, value in values.items()}
    path.write_text(yaml.safe_dump(document), "utf-8")


def test_the_catalogue_lists_what_is_deployed_and_is_published(project: Make) -> None:
    deployed = project(**QUIET)
    deployed.up()
    target = {"identifier": "test", "namespace": "qwen-test"}
    fleet = open_fleet(deployed, stacks=["test", "prod"], publishTo=[target])
    command = [str(deployed.cluster.bin_folder / "pulumi"), "stack", "init", "prod", "--non-interactive"]
    subprocess.run(command, cwd=deployed.folder, env=deployed.environment, check=True, capture_output=True)

    done = fleet.up()
    (entry,) = done.outputs["endpoints"].value
    assert (entry["stack"], entry["server"], entry["cluster"]) == ("test", "vllm-qwen35-4b", "test")
    assert entry["url"] == "http://vllm-qwen35-4b-service.qwen-test.svc:8000"
    assert entry["apiKeySecret"] == "qwen-test/vllm-qwen35-4b-api-key#api-key"
    assert "stack prod has not been deployed yet, and is left out. To add it: pulumi up --stack prod" in done.stdout
    published = deployed.kubectl.get("--namespace", "qwen-test", "configmap", "qwen-endpoints")
    assert json.loads(published["data"]["endpoints.json"]) == [entry]
    assert fleet.preview(expect_no_changes=True).change_summary.keys() <= {"same", "read"}

    configure(Path(fleet.workspace.work_dir), {"stacks": ["test", "prod-asia"]})
    with pytest.raises(CommandError) as caught:
        fleet.up()
    assert 'error: unknown stack "organization/qwen-infra/prod-asia"' in str(caught.value)
    assert "Traceback" not in str(caught.value)
    configure(Path(fleet.workspace.work_dir), {"stacks": ["test"]})
    fleet.destroy()
