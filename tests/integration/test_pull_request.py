"""``ci/preview.sh`` as a CI system runs it: Git, the real engine, one comment."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from qwen_infra.benchmark import set_baseline
from qwen_infra.review import Preview, render_comment, review_preview
from tests.integration.harness import ROOT, SMALL, Project

Make = Callable[..., Project]
QUIET = {"verification": {"level": "off"}, "benchmark": {"workload": "off"}}


def preview(project: Project, base: str = "HEAD") -> tuple[int, str]:
    environment = {**os.environ, **project.environment}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    folder = project.folder.parent / "previews"
    command = [str(ROOT / "ci" / "preview.sh"), base, str(folder)]
    done = subprocess.run(command, cwd=project.folder, env=environment, capture_output=True, text=True, check=False)
    assert (folder / "comment.md").exists(), done.stderr
    return done.returncode, (folder / "comment.md").read_text("utf-8")


def commit(project: Project) -> None:
    (project.folder / ".gitignore").write_text("state/\nresults/\n.venv\n", "utf-8")
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    for command in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "--message=all")):
        subprocess.run(["git", *identity, *command], cwd=project.folder, check=True)


def test_a_change_of_a_stack_file_becomes_a_comment_and_a_mistake_fails(project: Make) -> None:
    changed = project(**QUIET)
    changed.up()
    commit(changed)
    assert preview(changed) == (0, "<!-- qwen-infra preview -->\nNo stack is touched by this change.\n")
    changed.configure({"server": {**SMALL["server"], "maxModelLen": 16384}, "operations": {"pricePerGpuHour": 2}})
    code, told = preview(changed)
    assert code == 0
    assert "- change: Deployment `qwen-test/vllm-qwen35-4b`" in told
    assert "-            - '32768'\n+            - '16384'" in told
    assert "- readiness runs: " in told
    assert "- cost: unknown (no price is set) → 2.00 USD/h for 1 GPU" in told
    changed.configure({"server": {**SMALL["server"], "gpu": "H200"}})
    code, told = preview(changed)
    assert code == 1
    assert "**cannot be deployed**: qwen-infra:server.gpu: no node has this GPU" in told
    changed.environment["PULUMI_CONFIG_PASSPHRASE"] = "another"
    code, told = preview(changed)
    assert code == 1
    assert "passphrase" in told


def test_the_comment_holds_the_last_benchmark_against_the_baseline(project: Make) -> None:
    deployed = project(verification={"level": "off"})
    deployed.up()
    set_baseline(None, root=deployed.folder / "results", stack="test")
    deployed.configure({"server": {**SMALL["server"], "maxModelLen": 16384}})
    figures = deployed.up()["figures"]
    assert figures["baseline"]["completed"] == 8
    deployed.configure({"server": {**SMALL["server"], "maxModelLen": 8192}})
    shown = Preview.model_validate_json(deployed.run("preview", "--json", "--non-interactive"))
    told = render_comment([review_preview(shown)])
    assert "- last benchmark of `vllm-qwen35-4b` against its baseline: output throughput (tok/s) " in told
    assert "| last benchmark | measured | baseline | change |" in told
