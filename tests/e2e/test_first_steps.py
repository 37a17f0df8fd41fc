"""What a new user does with README alone: the demo on the simulator, a chat, and every command marked ``run: demo``."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from qwen_infra.local.ports import find_free_ports
from tests.command_blocks import Block, lines_missing, marked_blocks, shell_script
from tests.e2e.test_demo import copy_repository, run

DEMO = "make demo SERVER=simulator"
CHAT = "make chat"
SAME = "qwen-infra demo --server simulator"
"""What ``DEMO`` runs."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = copy_repository(tmp_path_factory.mktemp("clone"))
    try:
        done = run(folder, DEMO, 600)
        assert done.returncode == 0, done.stdout + done.stderr
        yield folder
    finally:
        run(folder, "make demo-down")


def test_a_chat_needs_one_more_command_and_no_flag(folder: Path) -> None:
    done = run(folder, f"printf 'Who are you?\\n\\n' | {CHAT}")

    assert done.returncode == 0, done.stderr
    assert "Qwen" in done.stdout, done.stdout


def test_the_same_command_again_changes_nothing(folder: Path) -> None:
    done = run(folder, f".venv/bin/{SAME}")

    assert done.returncode == 0, done.stderr
    assert "Resources:" not in done.stdout or "unchanged" in done.stdout


@pytest.mark.parametrize("block", marked_blocks("demo"), ids=str)
def test_a_command_for_the_demo_does_what_the_document_says(folder: Path, block: Block) -> None:
    done = run(folder, shell_script(block, find_free_ports(1)[0]))

    assert done.returncode == 0, done.stdout + done.stderr
    assert lines_missing(block.output, done.stdout) == []
