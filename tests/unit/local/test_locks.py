"""The lock between processes."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from qwen_infra.errors import EnvironmentMissingError
from qwen_infra.local.locks import hold_lock


def test_a_held_lock_is_refused_with_what_its_holder_does(tmp_path: Path):
    path = tmp_path / "lock"
    with (
        hold_lock(path, purpose="first"),
        pytest.raises(EnvironmentMissingError, match="another process has been starting"),
        hold_lock(path, purpose="starting", timeout_s=0),
    ):
        pass


def test_a_released_lock_leaves_no_file(tmp_path: Path):
    with hold_lock(tmp_path / "lock", purpose="testing"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_only_one_holds_the_lock_at_a_time(tmp_path: Path):
    inside: list[int] = []
    most: list[int] = []

    def work(number: int) -> None:
        with hold_lock(tmp_path / "lock", purpose="testing"):
            inside.append(number)
            most.append(len(inside))
            inside.remove(number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(12)))
    assert most == [1] * 12
