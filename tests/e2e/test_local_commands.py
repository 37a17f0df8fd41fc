"""The examples of ``qwen-infra local`` in the order in which a person gives them, on a cluster of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwen_infra import toolchain
from qwen_infra.local.folders import default_cache_root

DOWN = "qwen-infra local down --name gb200"
COMMANDS = (
    "qwen-infra local prepare",
    "qwen-infra local up --name gb200 --server simulator",
    "qwen-infra local status --name gb200",
    "qwen-infra local install-kinds --name gb200",
    "qwen-infra local run-groups --name gb200",
    "qwen-infra local fault wrong-answer --name gb200",
    DOWN,
)


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A cache in which the programs are the user's, and the clusters are not."""
    toolchain.ensure((*toolchain.PROGRAMS, "lws-controller"))  # with this machine's own Go and its caches
    cache = tmp_path / "qwen-infra"
    cache.mkdir()
    for entry in default_cache_root().iterdir():
        if entry.name != "local":
            (cache / entry.name).symlink_to(entry)
    variables = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    try:
        yield variables
    finally:
        subprocess.run(["bash", "-c", DOWN], env=variables, capture_output=True, check=False)


def test_every_example_works_after_the_one_before(environment: dict[str, str]) -> None:
    for command in COMMANDS:
        done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
