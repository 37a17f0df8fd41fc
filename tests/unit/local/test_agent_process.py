"""Starting the node agent where it does not come up."""

import subprocess
from pathlib import Path
from typing import Any, NoReturn

import pytest

from qwen_infra.errors import EnvironmentMissingError
from qwen_infra.local.agent_process import AgentOptions, start_agent
from qwen_infra.local.folders import ClusterRecord, StateFolder


def test_an_agent_that_does_not_come_up_in_time_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: Any, **options: Any) -> NoReturn:
        raise subprocess.TimeoutExpired("agent", options["timeout"])

    folder = StateFolder.of("demo", tmp_path)
    folder.path.mkdir()
    record = ClusterRecord(name="demo", profile="cpu", server="simulator", bin_folder=Path("/bin"), api_port=1)
    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(EnvironmentMissingError, match="node agent of the local cluster did not start"):
        start_agent(folder, record, AgentOptions(kind="simulator"))
