"""Deploying with the real engine: what comes out, what a second run does, what a failed check does."""

import base64
from collections.abc import Callable

import pytest
import yaml
from pulumi.automation import OpType

from qwen_infra import local, toolchain
from qwen_infra.cluster.secret import read_secret_value
from tests.integration.harness import ROOT, Project, open_project

Make = Callable[..., Project]
NAME = "vllm-qwen35-4b"
SLOS = {"workload": "smoke", "slos": {"hardware": "simulator", "limits": {"success_rate": 1, "p99_ttft_ms": 60000}}}


def changes(project: Project) -> dict[str, int]:
    """What an `up` did to how many resources."""
    return {OpType(kind).value: count for kind, count in (project.stack.up().summary.resource_changes or {}).items()}


def faults(project: Project, *names: str) -> None:
    local.set_faults(project.cluster.name, names, state_root=project.cluster.state_folder.parent)


def test_a_stack_is_deployed_verified_benchmarked_and_clean_afterwards(project: Make) -> None:
    deployed = project()
    outputs = deployed.up()
    assert outputs["url"] == f"http://{NAME}-service.qwen-test.svc:8000"
    assert outputs["verification"].startswith("verification passed")
    assert outputs["benchmark"].startswith("benchmark smoke: 8 of 8 requests answered")
    assert deployed.stack.preview(expect_no_changes=True).change_summary.keys() == {"same"}
    assert deployed.stack.refresh().summary.result == "succeeded"
    assert deployed.stack.preview(expect_no_changes=True).change_summary.keys() == {"same"}


def test_every_result_says_that_it_is_simulated(project: Make) -> None:
    deployed = project()
    outputs = deployed.up()
    assert "simulator" in outputs["madeWith"]
    for kind in ("verification", "benchmark"):
        assert (deployed.result(kind)["simulated"], deployed.result(kind)["provenance"]["kind"]) == (True, "simulator")


def test_the_key_stands_nowhere_in_clear(project: Make) -> None:
    deployed = project()
    said = deployed.stack.up().stdout + deployed.run("preview", "--diff", "--non-interactive")
    key = read_secret_value(deployed.kubectl, "qwen-test", f"{NAME}-api-key", "api-key")
    results = "".join(path.read_text("utf-8") for path in (deployed.folder / "results").rglob("*.json"))
    kinds = "deployments,pods,jobs,services,configmaps,events"
    manifests = deployed.kubectl.run("--namespace", "qwen-test", "get", kinds, "-oyaml")
    names = [item["metadata"]["name"] for item in deployed.kubectl.items("--namespace", "qwen-test", "pods")]
    logs = "".join(deployed.kubectl.run("--namespace", "qwen-test", "logs", name) for name in names)
    agent = (deployed.cluster.state_folder / "agent.log").read_text("utf-8")
    assert "simulated server" in logs
    encoded = base64.b64encode(key.encode()).decode()
    everything = said + deployed.state_on_disk() + results + manifests + logs + agent
    assert "vllm-qwen35-4b-api-key" in everything
    assert key not in everything
    assert encoded not in everything


def test_a_wrong_answer_fails_with_one_line_and_only_the_checks_run_again(project: Make) -> None:
    deployed = project(benchmark={"workload": "off"})
    deployed.up()
    faults(deployed, "answer-in-reasoning")
    deployed.configure({"verification": {"level": "off"}})
    deployed.up()
    deployed.configure({"verification": {"level": "smoke"}})
    told = deployed.fail()
    assert "error: verification failed: " in told
    assert "Traceback" not in told
    faults(deployed)
    changed = changes(deployed)
    assert changed.get("update") == 1
    assert "create" not in changed


def test_a_failing_benchmark_fails_with_one_line_and_only_the_benchmark_runs_again(project: Make) -> None:
    deployed = project(benchmark=SLOS, verification={"level": "off"})
    deployed.up()
    faults(deployed, "server-error")
    limits = {"success_rate": 1, "p99_ttft_ms": 50000}
    deployed.configure({"benchmark": {"workload": "smoke", "slos": {"hardware": "simulator", "limits": limits}}})
    told = deployed.fail()
    assert "error: benchmark failed: " in told
    assert "Traceback" not in told
    faults(deployed)
    changed = changes(deployed)
    assert changed.get("update") == 1


def test_a_missed_slo_fails_with_the_metric_its_value_and_its_limit(project: Make) -> None:
    slos = {"hardware": "simulator", "limits": {"p99_ttft_ms": 0.001}}
    told = project(benchmark={"workload": "smoke", "slos": slos}, verification={"level": "off"}).fail()
    assert "error: benchmark smoke" in told
    assert "p99_ttft_ms" in told
    assert "Traceback" not in told


def test_slos_of_other_hardware_are_shown_and_not_judged(project: Make) -> None:
    slos = {"hardware": "NVIDIA-GB200", "limits": {"p99_ttft_ms": 0.001}}
    outputs = project(benchmark={"workload": "smoke", "slos": slos}).up()
    assert "SLOs were set for NVIDIA-GB200; this ran on the simulator" in outputs["benchmark"]


def test_a_changed_server_is_verified_again(project: Make) -> None:
    deployed = project(benchmark={"workload": "off"})
    deployed.up()
    server = yaml.safe_load((deployed.folder / "Pulumi.test.yaml").read_text("utf-8"))["config"]["qwen-infra:server"]
    deployed.configure({"server": {**server, "maxModelLen": 16384}})
    deployed.up()
    assert deployed.count_results("verification") == 2


def test_destroy_leaves_nothing(project: Make) -> None:
    deployed = project(benchmark={"workload": "off"})
    deployed.up()
    deployed.destroy()
    assert "qwen-test" not in {item["metadata"]["name"] for item in deployed.kubectl.items("namespaces")}


def test_the_gb200_stack_file_is_deployed_unchanged(
    project: Make, tools: toolchain.Toolchain, cluster: local.LocalCluster, tmp_path_factory: pytest.TempPathFactory
) -> None:
    environment = project().environment
    stack_file = yaml.safe_load((ROOT / "Pulumi.gb200.yaml").read_text("utf-8"))
    deployed = open_project(tmp_path_factory.mktemp("gb200") / "project", environment, cluster, stack_file, "gb200")
    try:
        outputs = deployed.up()
        assert outputs["figures"]["completed"] == 32
        assert outputs["figures"]["total_input_tokens"] == 256000
        assert outputs["figures"]["total_output_tokens"] == 32768
    finally:
        deployed.destroy()


def test_a_missed_slo_that_only_warns_deploys_and_says_so(project: Make) -> None:
    slos = {"hardware": "simulator", "limits": {"p99_ttft_ms": 0.001}}
    benchmark = {"workload": "smoke", "slos": slos, "onFailure": "warn", "regression": {"percent": 10}}
    outputs = project(benchmark=benchmark, verification={"level": "off"}).up()
    assert outputs["benchmark"].startswith("warning: benchmark smoke: 8 of 8 requests answered")
    assert "no baseline to compare with" in outputs["benchmark"]
