import pytest

from qwen_infra.toolchain.__main__ import main
from tests.unit.toolchain.toolchain_machine import Machine


def test_the_folder_is_the_only_line_on_standard_output(machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    machine.put_go()
    code = main(["etcd", "kwok"])
    lines = capfd.readouterr().out.splitlines()

    assert (code, len(lines)) == (0, 1)
    assert lines[0].startswith(f"{machine.cache}/bin-")


def test_the_list_says_where_each_program_comes_from(machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    etcd = machine.put("etcd", "etcd Version: 3.6.14")
    code = main(["--list", "etcd", "kwok"])

    assert code == 0
    assert [line.split(maxsplit=1) for line in capfd.readouterr().out.splitlines()] == [
        ["etcd", str(etcd)],
        ["kwok", "to be built (kwok 9.9.9)"],
    ]


def test_the_list_builds_nothing(machine: Machine) -> None:
    machine.put_go()
    main(["--list"])

    assert machine.go_builds() == []


def test_an_unknown_program_is_wrong_usage(machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["helm"]) == 2
    assert capfd.readouterr().err.startswith("error: PROGRAM: no such program in the toolchain (found helm, expected")


def test_a_build_that_fails_is_a_missing_environment(machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    machine.put_go("    sys.exit('broken')\n")

    assert main(["etcd"]) == 3
    assert "error: etcd 9.9.9 could not be built" in capfd.readouterr().err
