"""What a new user does with README alone: the demo on the simulator, a chat, and every command marked ``run: demo``."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command_blocks import Block, lines_missing, marked_blocks, shell_script
from tests.e2e.test_demo import copy_repository, run

DEMO = "qwen-infra demo --server simulator"
"""What ``make demo SERVER=simulator`` runs."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = copy_repository(tmp_path_factory.mktemp("clone"))
    try:
        done = run(folder, f".venv/bin/{DEMO}", 600)
        assert done.returncode == 0, done.stdout + done.stderr
        yield folder
    finally:
        run(folder, "make demo-down")


@pytest.mark.timeout(700)
@pytest.mark.parametrize("block", marked_blocks("demo"), ids=str)
def test_a_command_for_the_demo_does_what_the_document_says(folder: Path, block: Block) -> None:
    done = run(folder, shell_script(block))

    assert done.returncode == 0, done.stdout + done.stderr
    assert lines_missing(block.output, done.stdout) == []
