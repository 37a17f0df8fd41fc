"""`make demo` as a new user runs it, in a copy of the repository: a real vLLM on the CPU behind real Kubernetes."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEMO_TIMEOUT_S = 900


def run(folder: Path, command: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, capture_output=True, text=True, timeout=timeout_s, check=False
    )


def copy_repository(target: Path) -> Path:
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in tracked.stdout.split("\n"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    (target / ".venv").symlink_to(ROOT / ".venv")
    return target


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The folder of a running demo, and what it printed."""
    folder = copy_repository(tmp_path_factory.mktemp("clone"))
    try:
        done = run(folder, "make demo", DEMO_TIMEOUT_S)
        assert done.returncode == 0, done.stdout + done.stderr
        yield folder, done.stdout
    finally:
        run(folder, "make demo-down")


def latest(folder: Path, kind: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(sorted((folder / "results/gb200").glob(f"{kind}-*.json"))[-1].read_text())
    return found


@pytest.mark.timeout(DEMO_TIMEOUT_S + 120)
def test_the_demo_deploys_and_shows_both_tables(demo: tuple[Path, str]) -> None:
    _, printed = demo
    assert "chat-thinking-off" in printed
    assert "397B INT4, 4 x GB200" in printed
    assert "source .demo/env" in printed


def test_a_real_vllm_answered_the_reference_benchmark_without_a_failure(demo: tuple[Path, str]) -> None:
    result = latest(demo[0], "benchmark")
    assert (result["completed"], result["failed"]) == (32, 0)
    assert (result["total_input_tokens"], result["total_output_tokens"]) == (256000, 32768)


def test_the_result_says_that_a_miniature_on_the_cpu_made_it(demo: tuple[Path, str]) -> None:
    provenance = latest(demo[0], "benchmark")["provenance"]
    assert isinstance(provenance, dict)
    assert (provenance["kind"], provenance["hardware"]) == ("cpu-miniature", "cpu")


def test_the_server_serves_the_folder_that_the_job_downloaded_from_the_stand_in(demo: tuple[Path, str]) -> None:
    folder = demo[0]
    model = "data/models/Qwen/Qwen3.5-397B-A17B-GPTQ-Int4"
    (weights,) = folder.glob(f".demo/cluster/gb200/storage/nodes/*/{model}/revision-main")
    manifest = json.loads((weights / ".qwen-infra-manifest.json").read_text())
    assert manifest["commit"] == weights.resolve().name
    kubectl = "source .demo/env && kubectl --namespace qwen"
    log = run(folder, f"{kubectl} logs deployment/vllm-qwen35-397b --tail=-1").stdout
    assert f"weights: {weights.resolve()}" in log
    assert f"serve {weights.resolve()}" in log.replace(str(weights), str(weights.resolve()))
    jobs = json.loads(run(folder, f"{kubectl} get jobs --output=json").stdout)["items"]
    assert [job["status"].get("succeeded") for job in jobs] == [1]


def test_nothing_changes_after_the_demo(demo: tuple[Path, str]) -> None:
    done = run(demo[0], "source .demo/env && pulumi preview --stack gb200 --expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_repositorys_stack_file_is_not_touched(demo: tuple[Path, str]) -> None:
    assert (demo[0] / "Pulumi.gb200.yaml").read_text() == (ROOT / "Pulumi.gb200.yaml").read_text()


def test_the_chat_request_of_the_instructions_answers(demo: tuple[Path, str]) -> None:
    folder, printed = demo
    lines = printed.partition("Look around:")[2].partition("Take it down:")[0].splitlines()
    forward = "kubectl --namespace qwen port-forward service/vllm-qwen35-397b-service 8000:8000 &"
    shown = "\n".join(line.strip() for line in lines if "pulumi" not in line)
    port = 20000 + os.getpid() % 20000
    assert forward in shown
    script = (
        shown.replace(forward, f"{forward} sleep 3").replace("8000:8000", f"{port}:8000").replace(":8000/", f":{port}/")
    )
    done = run(folder, f"{script}\nkill %1")
    assert "Qwen3.5" in done.stdout, done.stdout + done.stderr


@pytest.mark.timeout(240)
def test_a_second_demo_changes_nothing(demo: tuple[Path, str]) -> None:
    before = len(list((demo[0] / "results/gb200").iterdir()))
    done = run(demo[0], "make demo", 200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((demo[0] / "results/gb200").iterdir())) == before


def test_the_demo_is_taken_down_without_a_trace(demo: tuple[Path, str]) -> None:
    folder, _ = demo
    assert run(folder, "make demo-down").returncode == 0
    assert not (folder / ".demo").exists()
    processes = run(folder, "ps -eo args").stdout
    assert str(folder) not in processes
