from pathlib import Path

import pytest

from qwen_infra.demo.run import run_demo
from qwen_infra.errors import ConfigurationError


@pytest.mark.parametrize("present", [(), ("Pulumi.gb200.yaml",), ("Pulumi.gb200.yaml", "Pulumi.yaml")])
def test_outside_the_repository_nothing_is_started(tmp_path: Path, present: tuple[str, ...]) -> None:
    for name in present:
        (tmp_path / name).touch()
    with pytest.raises(ConfigurationError, match=r"there is no .* here"):
        run_demo(tmp_path, "simulator", print)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(present)
