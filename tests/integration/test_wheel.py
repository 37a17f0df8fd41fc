"""The wheel as a user installs it: in an environment without the repository, with its data files and its command."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=600)
    [found] = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def command(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed ``qwen-infra``; its dependencies are those of the tests' environment, by a .pth file."""
    environment = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True, timeout=600)
    python = environment / "bin/python"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel], check=True, timeout=600
    )
    [packages] = environment.glob("lib/python*/site-packages")
    [dependencies] = Path(sys.prefix).glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(f"{dependencies}\n", "utf-8")
    return environment / "bin/qwen-infra"


def run(command: Path, folder: Path, *arguments: str) -> str:
    done = subprocess.run([command, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_data_file_is_in_the_wheel(wheel: Path) -> None:
    kinds = {".json", ".yaml", ".txt", ".js"}
    tracked = subprocess.run(["git", "ls-files", "qwen_infra"], cwd=ROOT, capture_output=True, text=True, check=True)
    data = {name for name in tracked.stdout.split() if Path(name).suffix in kinds}

    assert data - set(zipfile.ZipFile(wheel).namelist()) == set()


def test_the_licence_is_in_the_wheel(wheel: Path) -> None:
    assert "LICENSE" in {Path(name).name for name in zipfile.ZipFile(wheel).namelist()}


def test_the_command_works_without_the_repository(command: Path, tmp_path: Path) -> None:
    module = run(command.parent / "python", tmp_path, "-c", "import qwen_infra; print(qwen_infra.__file__)")
    assert str(command.parents[1]) in module

    assert "Before a deployment" in run(command, tmp_path, "--help")
    assert json.loads(run(command, tmp_path, "schema"))["title"] == "Stack file of qwen-infra"
    run(command, tmp_path, "init", "mine", "--gpu", "GB200", "--gpus", "4", "--for", "agent")
    assert json.loads(run(command, tmp_path, "fit", "--stack", "mine", "--json"))
    assert "kind: Deployment" in run(command, tmp_path, "render", "--stack", "mine")
    router = run(command, tmp_path, "client-config", "--stack", "mine", "--for", "claude-code-router")
    assert "class VllmReasoning" in router
