"""The one file of the ConfigMap as a process against the Hub stand-in, with the oldest and the locked Hub client."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from qwen_infra.download import bundle_downloader
from qwen_infra.local.hub import HubRepository, HubStandIn, serve_hub

REPOSITORY = "Qwen/Qwen3.5-0.8B"
OLDEST_HUB_CLIENT = "1.31.0"
PART_MIB = 0.25
DEADLINE_S = 300


@dataclass
class Finished:
    """How a run of the downloader ended."""

    code: int
    log: str
    result: dict[str, Any] = field(default_factory=dict)


@dataclass
class Downloader:
    """Runs the one file. ``python_path``: a folder with another ``huggingface_hub``."""

    script: Path
    hub: HubStandIn
    home: Path
    python_path: Path | None = None

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "LANG") if name in os.environ}
        path = {"PYTHONPATH": str(self.python_path)} if self.python_path else {}
        return {**kept, "HOME": str(self.home), "HF_ENDPOINT": self.hub.endpoint, "NO_PROXY": "*", **path, **more}

    def command(self, *arguments: str, revision: str = "main") -> list[str]:
        quick = ("--part-mib", str(PART_MIB), "--retry-delay", "0.01", "--progress", "lines")
        return [sys.executable, str(self.script), REPOSITORY, "--revision", revision, *quick, *arguments]

    def start(self, *arguments: str, revision: str = "main", **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments, revision=revision),
            env=self.environment(**environment),
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, revision: str = "main", **environment: str) -> Finished:
        result = self.home / "result.json"
        result.unlink(missing_ok=True)
        done = subprocess.run(
            self.command(*arguments, "--result", str(result), revision=revision),
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Finished(done.returncode, done.stderr, json.loads(result.read_text()) if result.exists() else {})


def write_model(folder: Path, seed: int = 0) -> Path:
    """A small repository: two LFS files of a few parts, small files, one in a subfolder, an empty one."""
    chance = random.Random(seed)
    (folder / "original").mkdir(parents=True)
    for number, size in enumerate((1_500_000, 1_100_001), 1):
        (folder / f"model-0000{number}-of-00002.safetensors").write_bytes(chance.randbytes(size))
    (folder / "config.json").write_text(json.dumps({"model_type": "qwen3_5", "seed": seed}))
    (folder / "tokenizer.json").write_bytes(chance.randbytes(200_000))
    (folder / "original" / "notes.txt").write_text("a file in a folder")
    (folder / "merges.txt").touch()
    return folder


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "first")


@pytest.fixture(scope="session")
def next_model(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Path:
    """The next commit: one of the large files is another one, the rest stayed."""
    folder = tmp_path_factory.mktemp("models") / "next"
    write_model(folder, seed=1)
    for name in ("model-00001-of-00002.safetensors", "tokenizer.json", "original/notes.txt"):
        (folder / name).write_bytes((model / name).read_bytes())
    return folder


@pytest.fixture
def repository(model: Path) -> HubRepository:
    found = HubRepository(REPOSITORY)
    found.publish(model)
    return found


@pytest.fixture
def hub(repository: HubRepository) -> Iterator[HubStandIn]:
    with serve_hub([repository]) as running:
        yield running


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("script") / "download.py"
    path.write_text(bundle_downloader(), "utf-8")
    return path


@pytest.fixture(scope="session")
def oldest_hub_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the oldest ``huggingface_hub`` that a vLLM image may hold, and what it needs."""
    folder = tmp_path_factory.mktemp("hub-client")
    uv = Path(sys.executable).with_name("uv")
    wanted = f"huggingface_hub=={OLDEST_HUB_CLIENT}"
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--python", sys.executable, "--target", folder, wanted], check=True
    )
    return folder


@pytest.fixture
def downloader(script: Path, hub: HubStandIn, tmp_path: Path) -> Downloader:
    home = tmp_path / "home"
    home.mkdir()
    return Downloader(script, hub, home)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target"


@pytest.fixture
def assert_complete(model: Path) -> Callable[[Path], None]:
    return lambda folder: compare(model, folder)


def compare(model: Path, folder: Path) -> None:
    """Every file is there byte for byte, and the manifest says so."""
    manifest = json.loads((folder / ".qwen-infra-manifest.json").read_text())
    names = {str(path.relative_to(model)) for path in model.rglob("*") if path.is_file()}
    assert manifest["files"].keys() == names
    for name in names:
        assert (folder / name).read_bytes() == (model / name).read_bytes(), name
