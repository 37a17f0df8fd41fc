"""The demo's own files, when the demo before was killed while it wrote them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from qwen_infra.demo.workspace import STACK, Workspace, open_workspace

SALT = "encryptionsalt: v1:abc\n"


@dataclass
class Tools:
    """Programs that are there already."""

    installed: list[Path] = field(default_factory=list)

    def install_provider(self, home: Path) -> None:
        self.installed.append(home)

    def environment(self) -> dict[str, str]:
        return {}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / f"Pulumi.{STACK}.yaml").write_text("config: {}\n", "utf-8")
    (tmp_path / "Pulumi.yaml").write_text("name: qwen-infra\n", "utf-8")
    stacks = tmp_path / ".demo" / "state" / ".pulumi" / "stacks" / "qwen-infra"
    stacks.mkdir(parents=True)
    (stacks / f"{STACK}.json").touch()
    return tmp_path


def opened(project: Path) -> Workspace:
    tools: Any = Tools()
    return open_workspace(project, tools, project / "kubeconfig")


def test_a_passphrase_is_the_users_alone_and_stays(project: Path) -> None:
    opened(project)
    passphrase = project / ".demo" / "passphrase"
    first = passphrase.read_text("utf-8")
    opened(project)
    assert len(first) >= 32
    assert passphrase.read_text("utf-8") == first
    assert passphrase.stat().st_mode & 0o777 == 0o600


def test_a_passphrase_that_is_empty_is_made_anew(project: Path) -> None:
    (project / ".demo" / "passphrase").touch()
    opened(project)
    assert (project / ".demo" / "passphrase").read_text("utf-8").strip()


@pytest.mark.parametrize("name", ["passphrase", "env", f"project/Pulumi.{STACK}.yaml"])
def test_a_demo_killed_while_it_writes_leaves_the_file_before_or_none(
    project: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    configuration = project / ".demo" / "project" / f"Pulumi.{STACK}.yaml"
    configuration.parent.mkdir()
    configuration.write_text(SALT, "utf-8")
    target = project / ".demo" / name
    before = target.read_bytes() if target.exists() else None
    replace = Path.replace

    def killed(draft: Path, to: Path) -> Path:
        if to == target:
            raise KeyboardInterrupt
        return replace(draft, to)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        opened(project)
    assert (target.read_bytes() if target.exists() else None) == before
    monkeypatch.undo()
    opened(project)
    assert SALT in configuration.read_text("utf-8")
    assert target.stat().st_size > 0
