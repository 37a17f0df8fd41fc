"""A Pulumi project in a folder of its own, driven by the real engine through the Automation API."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pulumi.automation import CommandError, LocalWorkspaceOptions, Stack, create_or_select_stack

from qwen_infra import local
from qwen_infra.cluster import ClusterAccess, Kubectl

ROOT = Path(__file__).parents[2]
STACK = "test"
SMALL: dict[str, Any] = {
    "cluster": {"identifier": "test", "namespace": "qwen-test"},
    "model": {"name": "Qwen3.5-4B", "precision": "bf16"},
    "server": {
        "gpu": "GB200",
        "maxModelLen": 32768,
        "resources": {"cpuRequest": "4", "memoryRequest": "16Gi", "memoryLimit": "64Gi", "sharedMemory": "1Gi"},
    },
    "benchmark": {"workload": "smoke"},
}


@dataclass
class Project:
    """One stack: its folder, the engine's handle, and kubectl for looking at what it made."""

    folder: Path
    stack: Stack
    cluster: local.LocalCluster
    kubectl: Kubectl
    environment: dict[str, str]
    stack_name: str = STACK

    def up(self) -> dict[str, Any]:
        """Deploy; the stack's outputs."""
        return {key: value.value for key, value in self.stack.up().outputs.items()}

    def fail(self, command: str = "up") -> str:
        """What a person reads when the command fails: its errors, without the rows of the resources."""
        try:
            getattr(self.stack, command)()
        except CommandError as error:
            return _diagnostics(str(error))
        message = f"pulumi {command} succeeded, though it should have failed"
        raise AssertionError(message)

    def run(self, *arguments: str) -> str:
        """Standard output of ``pulumi ARGUMENTS`` on this stack."""
        command = [str(self.cluster.bin_folder / "pulumi"), *arguments, "--stack", self.stack_name]
        environment = {**os.environ, **self.environment}
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def configure(self, changes: Mapping[str, Any]) -> None:
        """Replace top-level keys of the stack file, keeping what Pulumi wrote into it."""
        path = self.folder / f"Pulumi.{self.stack_name}.yaml"
        document = yaml.safe_load(path.read_text("utf-8"))
        document["config"] |= {f"qwen-infra:{key}": value for key, value in changes.items()}
        path.write_text(yaml.safe_dump(document), "utf-8")

    def result(self, kind: str) -> dict[str, Any]:
        """The newest result of one kind."""
        path = sorted((self.folder / "results" / self.stack_name).glob(f"{kind}-*.json"))[-1]
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return found

    def count_results(self, kind: str) -> int:
        return len(list((self.folder / "results" / self.stack_name).glob(f"{kind}-*.json")))

    def state(self) -> str:
        return json.dumps(self.stack.export_stack().deployment)

    def state_on_disk(self) -> str:
        """The backend's own files, in which secrets are encrypted (an export through the API decrypts them)."""
        return "".join(path.read_text("utf-8") for path in (self.folder / "state").rglob("*.json"))

    def forget(self) -> None:
        """Lose the state; what it made stays in the cluster."""
        shutil.rmtree(self.folder / "state")
        (self.folder / "state").mkdir()
        self.stack.workspace.create_stack(self.stack_name)

    def destroy(self) -> None:
        if '"resources"' in self.state():
            self.stack.destroy(remove=False)


def make_project(
    folder: Path, environment: Mapping[str, str], cluster: local.LocalCluster, changes: Mapping[str, Any]
) -> Project:
    """A copy of the program with a stack file made of ``SMALL`` and ``changes``."""
    config = {f"qwen-infra:{key}": value for key, value in {**SMALL, **changes}.items()}
    return open_project(folder, environment, cluster, {"config": config}, STACK)


def open_project(
    folder: Path,
    environment: Mapping[str, str],
    cluster: local.LocalCluster,
    stack_file: Mapping[str, Any],
    stack_name: str,
) -> Project:
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "__main__.py", folder)
    description = yaml.safe_load((ROOT / "Pulumi.yaml").read_text("utf-8"))
    description["runtime"]["options"]["virtualenv"] = sys.prefix
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(description), "utf-8")
    (folder / f"Pulumi.{stack_name}.yaml").write_text(yaml.safe_dump(dict(stack_file)), "utf-8")
    (folder / "state").mkdir()
    variables = {
        **environment,
        "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "only for this test",
        "QWEN_INFRA_RESULTS": str(folder / "results"),
    }
    options = LocalWorkspaceOptions(env_vars=variables)
    stack = create_or_select_stack(stack_name, work_dir=str(folder), opts=options)
    kubectl = Kubectl(ClusterAccess(str(cluster.kubeconfig), cluster.context), str(cluster.bin_folder / "kubectl"))
    return Project(folder, stack, cluster, kubectl, dict(variables), stack_name)


def limited_kubeconfig(project: Project, folder: Path, account: str) -> Path:
    """Credentials of a new service account that may look at nodes and namespaces, and nothing else."""
    kubectl = project.kubectl
    kubectl.run("create", "serviceaccount", account, "--namespace=default")
    kubectl.run("create", "clusterrole", account, "--verb=get,list", "--resource=nodes,namespaces")
    kubectl.run(
        "create", "clusterrolebinding", account, f"--clusterrole={account}", f"--serviceaccount=default:{account}"
    )
    token = kubectl.run("create", "token", account, "--namespace=default").strip()
    document = json.loads(kubectl.run("config", "view", "--raw", "--flatten", "--output=json"))
    document["users"] = [{"name": item["name"], "user": {"token": token}} for item in document["users"]]
    path = folder / "limited"
    path.write_text(yaml.safe_dump(document), "utf-8")
    return path


def _diagnostics(output: str) -> str:
    _, _, after = output.partition("Diagnostics:")
    found, _, _ = (after or output).partition("Resources:")
    return found
