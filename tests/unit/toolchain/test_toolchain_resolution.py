import os
from pathlib import Path

import pytest

from qwen_infra.errors import ConfigurationError, EnvironmentMissingError
from qwen_infra.toolchain import PROGRAMS, ensure, install_provider
from qwen_infra.toolchain.programs import BY_NAME
from tests.unit.toolchain.toolchain_machine import Machine


def test_everything_is_built_on_a_machine_that_has_only_go(machine: Machine) -> None:
    machine.put_go()
    tools = ensure(report=print)

    assert sorted(tools.paths) == sorted(PROGRAMS)
    assert machine.finished() == sorted({BY_NAME[name].recipe for name in PROGRAMS})


def test_a_program_on_path_is_used_and_not_built(machine: Machine) -> None:
    etcd = machine.put("etcd", "etcd Version: 3.6.14")

    assert ensure(["etcd"], report=print).path("etcd") == etcd
    assert machine.finished() == []


def test_a_second_call_builds_nothing(machine: Machine) -> None:
    machine.put_go()
    first = ensure(["kwok", "etcd"], report=print)
    lines: list[str] = []
    second = ensure(["kwok", "etcd"], report=lines.append)

    assert (second, lines, len(machine.go_builds())) == (first, [], 2)


def test_a_changed_recipe_is_built_again(machine: Machine) -> None:
    machine.put_go()
    ensure(["etcd"], report=print)
    (machine.tools / "etcd" / "go.sum").write_text("example.org/server v2\n")
    ensure(["etcd"], report=print)

    assert len(machine.go_builds()) == 2


def test_one_folder_has_all_programs_by_name(machine: Machine) -> None:
    machine.put_go()
    machine.put("etcd", "etcd Version: 3.6.14")
    tools = ensure(["etcd", "kwok", "kwokctl", "pulumi"], report=print)

    assert sorted(path.name for path in tools.bin_folder.iterdir()) == [
        "etcd",
        "kwok",
        "kwokctl",
        "pulumi",
        "pulumi-language-python",
        "pulumi-script",
    ]


def test_the_provider_is_not_in_that_folder_because_pulumi_would_warn(machine: Machine) -> None:
    machine.put_go()
    tools = ensure(["pulumi-resource-kubernetes", "etcd"], report=print)

    assert [path.name for path in tools.bin_folder.iterdir()] == ["etcd"]


def test_our_pulumi_and_its_language_host_really_lie_together(machine: Machine) -> None:
    machine.put_go()
    folder = ensure(["pulumi"], report=print).bin_folder

    assert (folder / "pulumi").resolve().parent == (folder / "pulumi-language-python").resolve().parent


def test_a_users_pulumi_is_reached_where_it_lies(machine: Machine) -> None:
    pulumi = machine.put("pulumi", "v3.260.0")
    machine.put("pulumi-language-python")

    assert (ensure(["pulumi"], report=print).bin_folder / "pulumi").resolve() == pulumi


def test_other_programs_make_another_folder(machine: Machine) -> None:
    machine.put_go()

    assert ensure(["etcd"], report=print).bin_folder != ensure(["etcd", "kwok"], report=print).bin_folder


def test_a_folder_that_lost_a_program_is_made_again(machine: Machine) -> None:
    machine.put_go()
    (ensure(["etcd"], report=print).bin_folder / "etcd").unlink()

    assert (ensure(["etcd"], report=print).bin_folder / "etcd").exists()


def test_a_program_that_was_built_again_replaces_the_old_one_in_the_folder(machine: Machine) -> None:
    machine.put_go()
    built = ensure(["etcd"], report=print).path("etcd")
    built.unlink()
    machine.put("etcd", "newer", folder=built.parent)

    assert "newer" in (ensure(["etcd"], report=print).bin_folder / "etcd").read_text()


def test_the_environment_puts_the_folder_first_on_path(machine: Machine) -> None:
    machine.put("etcd", "etcd Version: 3.6.14")
    tools = ensure(["etcd"], report=print)

    assert tools.environment()["PATH"].split(os.pathsep) == [str(tools.bin_folder), str(machine.bin)]


def test_our_own_pulumi_does_not_fetch_plugins(machine: Machine) -> None:
    machine.put_go()

    assert ensure(["pulumi"], report=print).environment()["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] == "true"


def test_a_users_pulumi_may_fetch_plugins(machine: Machine) -> None:
    machine.put("pulumi", "v3.260.0")
    machine.put("pulumi-language-python")

    assert "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION" not in ensure(["pulumi"], report=print).environment()


def test_the_provider_is_put_into_the_plugin_folder(machine: Machine) -> None:
    machine.put_go()
    install_provider(machine.root / "pulumi", report=print)
    file = machine.root / "pulumi" / "plugins" / "resource-kubernetes-v4.30.0" / "pulumi-resource-kubernetes"

    assert os.access(file, os.X_OK)
    assert not file.is_symlink()


def test_a_provider_that_is_in_the_plugin_folder_stays_and_nothing_is_built(machine: Machine) -> None:
    file = machine.put(
        "pulumi-resource-kubernetes",
        "official",
        folder=machine.root / "pulumi" / "plugins" / "resource-kubernetes-v4.30.0",
    )
    install_provider(machine.root / "pulumi", report=print)

    assert "official" in file.read_text()
    assert not machine.cache.exists()


def test_a_users_provider_is_shared_with_another_pulumi_home(machine: Machine) -> None:
    machine.put(
        "pulumi-resource-kubernetes",
        "official",
        folder=machine.root / "home" / ".pulumi" / "plugins" / "resource-kubernetes-v4.30.0",
    )
    ensure(["pulumi-resource-kubernetes"], report=print).install_provider(machine.root / "other")
    file = machine.root / "other" / "plugins" / "resource-kubernetes-v4.30.0" / "pulumi-resource-kubernetes"

    assert "official" in file.read_text()


def test_a_program_that_was_not_asked_for_is_not_in_the_toolchain(machine: Machine) -> None:
    machine.put("etcd", "etcd Version: 3.6.14")
    tools = ensure(["etcd"], report=print)

    with pytest.raises(ConfigurationError, match=r"kwok: not in this toolchain \(expected one of etcd\)"):
        tools.path("kwok")


def test_without_recipes_only_what_is_on_path_can_be_had(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qwen_infra.toolchain.resolution.recipes_folder", lambda: Path("/nowhere"))
    machine.put("etcd", "etcd Version: 3.6.14")
    ensure(["etcd"], report=print)

    with pytest.raises(EnvironmentMissingError, match="kwok has to be built and its recipe is not here"):
        ensure(["kwok"], report=print)
