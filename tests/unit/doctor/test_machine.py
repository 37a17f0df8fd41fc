"""This machine, with programs that say what the test wants."""

from collections.abc import Callable
from pathlib import Path

import pytest

from qwen_infra.doctor import Finding
from qwen_infra.doctor.machine import examine_machine

Program = Callable[[str, str], None]
WHOAMI_FILE = """case "$1" in version) echo v3.259.0;; whoami) echo '{"user":"u","url":"file:///state"}';;
stack) echo '[{"name":"organization/qwen-infra/gb200"}]';; esac"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Puts a program on a PATH that has nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    for name in ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"):
        monkeypatch.delenv(name, raising=False)

    def write(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return write


def look(folder: Path, environment: dict[str, str] | None = None, stack: str | None = None) -> dict[str, Finding]:
    return {item.what: item for item in examine_machine(environment or {}, folder, stack)}


def test_nothing_installed_is_told_program_by_program(program, tmp_path):
    found = look(tmp_path)

    assert found["Python"].status == "ok"
    assert [found[name].status for name in ("pulumi", "kubectl", "Pulumi program")] == ["missing"] * 3
    assert "qwen_infra.toolchain" in (found["pulumi"].mend or "")
    assert found["Pulumi backend"].status == "unknown"


def test_a_program_that_is_too_old_is_missing(program, tmp_path):
    program("pulumi", "echo v3.200.0")
    program("kubectl", "echo 'Client Version: v1.28.1'")

    found = look(tmp_path)

    assert found["pulumi"].found == "v3.200.0, older than 3.259"
    assert found["kubectl"].found == "v1.28.1, older than 1.30"


def test_no_login_names_the_login(program, tmp_path):
    program("pulumi", 'if [ "$1" = version ]; then echo v3.259.0; else echo PULUMI_ACCESS_TOKEN >&2; exit 3; fi')

    backend = look(tmp_path)["Pulumi backend"]

    assert (backend.status, backend.found) == ("missing", "not logged in")
    assert "pulumi login" in (backend.mend or "")


def test_a_file_backend_needs_a_passphrase_and_takes_it_from_either_variable(program, tmp_path):
    program("pulumi", WHOAMI_FILE)
    (tmp_path / "secret").write_text("x")

    assert look(tmp_path)["passphrase"].status == "missing"
    assert look(tmp_path, {"PULUMI_CONFIG_PASSPHRASE": ""})["passphrase"].status == "ok"
    by_file = {"PULUMI_CONFIG_PASSPHRASE_FILE": str(tmp_path / "secret")}
    assert look(tmp_path, by_file)["passphrase"].status == "ok"
    lost = {"PULUMI_CONFIG_PASSPHRASE_FILE": str(tmp_path / "lost")}
    assert "names no file" in look(tmp_path, lost)["passphrase"].found


def test_a_passphrase_of_another_stack_is_told_before_the_first_preview(program, tmp_path):
    refuses = 'config) echo "error: incorrect passphrase" >&2; exit 255;; esac'
    program("pulumi", WHOAMI_FILE.replace("esac", refuses))
    (tmp_path / "Pulumi.gb200.yaml").write_text("encryptionsalt: v1:salt\n")

    found = look(tmp_path, {"PULUMI_CONFIG_PASSPHRASE": "wrong"}, stack="gb200")["passphrase"]

    assert (found.status, found.found) == ("missing", "it is not the one with which stack gb200 was made")
    assert (tmp_path / "Pulumi.gb200.yaml").read_text() == "encryptionsalt: v1:salt\n"


def test_another_secrets_provider_needs_no_passphrase(program, tmp_path):
    program("pulumi", WHOAMI_FILE)
    (tmp_path / "Pulumi.gb200.yaml").write_text("secretsprovider: awskms://alias/x\n")

    assert look(tmp_path, stack="gb200")["passphrase"].found.startswith("not needed: awskms")


def test_a_stack_that_is_not_in_the_backend_names_its_init(program, tmp_path):
    program("pulumi", WHOAMI_FILE)

    assert look(tmp_path, stack="gb200")["stack gb200"].status == "ok"
    other = look(tmp_path, stack="mine")["stack mine"]
    assert (other.status, other.mend) == ("missing", "pulumi stack init mine")
