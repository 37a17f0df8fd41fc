from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_infra.toolchain.lookup import Finder, parse_version
from qwen_infra.toolchain.programs import BY_NAME
from tests.unit.toolchain.toolchain_machine import Machine, make_executable


def find(name: str) -> Path | None:
    return Finder().find(BY_NAME[name])


def test_a_program_of_a_good_version_on_path_is_taken(machine: Machine) -> None:
    etcd = machine.put("etcd", "etcd Version: 3.6.14\nGit SHA: none")

    assert find("etcd") == etcd


def test_a_program_that_is_too_old_is_not_taken(machine: Machine) -> None:
    machine.put("kubectl", "Client Version: v1.32.0")

    assert find("kubectl") is None


def test_a_good_program_behind_an_old_one_on_path_is_taken(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.put("kubectl", "Client Version: v1.32.0")
    good = machine.put("kubectl", "Client Version: v1.36.1\nKustomize Version: v5.8.1", folder=machine.root / "more")
    monkeypatch.setenv("PATH", f"{machine.bin}:{good.parent}")

    assert find("kubectl") == good


def test_a_program_that_prints_no_version_is_not_taken(machine: Machine) -> None:
    machine.put("kwok", "unknown")

    assert find("kwok") is None


def test_a_program_that_fails_when_asked_is_not_taken(machine: Machine) -> None:
    make_executable(machine.put("kwok", "kwok version v0.8.0")).write_text(
        "#!/bin/sh\necho kwok version v0.8.0\nexit 1\n"
    )

    assert find("kwok") is None


def test_a_file_that_cannot_be_executed_is_not_taken(machine: Machine) -> None:
    machine.put("etcd", "etcd Version: 3.6.14").chmod(0o644)

    assert find("etcd") is None


def test_a_version_is_asked_for_only_once(machine: Machine) -> None:
    etcd = machine.put("etcd", "etcd Version: 3.6.14")
    for _ in range(3):
        find("etcd")

    assert machine.starts(etcd) == 1


def test_a_bad_version_is_asked_for_only_once_too(machine: Machine) -> None:
    kubectl = machine.put("kubectl", "Client Version: v1.32.0")
    for _ in range(3):
        find("kubectl")

    assert machine.starts(kubectl) == 1


def test_a_program_that_was_replaced_is_asked_again(machine: Machine) -> None:
    machine.put("etcd", "etcd Version: 3.4.23")
    find("etcd")
    newer = machine.put("etcd", "etcd Version: 3.6.14 (newer)")

    assert find("etcd") == newer


def test_a_damaged_memory_of_versions_is_no_obstacle(machine: Machine) -> None:
    machine.cache.mkdir(parents=True)
    (machine.cache / "versions.json").write_text("{half")
    etcd = machine.put("etcd", "etcd Version: 3.6.14")

    assert find("etcd") == etcd


def test_a_pulumi_with_its_language_host_beside_it_is_taken(machine: Machine) -> None:
    pulumi = machine.put("pulumi", "v3.260.0")
    machine.put("pulumi-language-python")

    assert find("pulumi") == pulumi


def test_a_pulumi_without_its_language_host_is_not_taken(machine: Machine) -> None:
    machine.put("pulumi", "v3.260.0")

    assert find("pulumi") is None


def test_a_linked_pulumi_is_taken_with_the_language_host_beside_the_real_one(machine: Machine) -> None:
    real = machine.put("pulumi", "v3.260.0", folder=machine.root / "real")
    host = machine.put("pulumi-language-python", folder=real.parent)
    (machine.bin / "pulumi").symlink_to(real)

    assert (find("pulumi"), find("pulumi-language-python")) == (machine.bin / "pulumi", host)


def test_a_language_host_without_a_good_pulumi_is_not_taken(machine: Machine) -> None:
    machine.put("pulumi", "v3.100.0")
    machine.put("pulumi-language-python")

    assert find("pulumi-language-python") is None


def test_the_provider_is_taken_from_the_plugin_folder(machine: Machine) -> None:
    folder = machine.root / "home" / ".pulumi" / "plugins" / "resource-kubernetes-v4.30.0"
    provider = machine.put("pulumi-resource-kubernetes", folder=folder)

    assert find("pulumi-resource-kubernetes") == provider


def test_a_half_installed_provider_is_not_taken(machine: Machine) -> None:
    folder = machine.root / "home" / ".pulumi" / "plugins" / "resource-kubernetes-v4.30.0"
    machine.put("pulumi-resource-kubernetes", folder=folder)
    folder.with_name(folder.name + ".partial").touch()

    assert find("pulumi-resource-kubernetes") is None


def test_a_provider_on_path_is_not_taken(machine: Machine) -> None:
    machine.put("pulumi-resource-kubernetes", "4.30.0")

    assert find("pulumi-resource-kubernetes") is None


def test_a_program_in_our_own_cache_is_not_found_on_path(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = machine.put("etcd", "etcd Version: 3.6.14", folder=machine.cache / "bin-0123")
    monkeypatch.setenv("PATH", str(ours.parent))

    assert find("etcd") is None


@pytest.mark.parametrize("text", ["", "v1", "1.2", "version unknown"])
def test_a_text_without_a_version_has_none(text: str) -> None:
    assert parse_version(text) is None


@given(
    st.tuples(*[st.integers(0, 10**6)] * 3),
    st.sampled_from(["", "v", "go version go", "Kubernetes v", "etcd Version: "]),
)
def test_a_version_is_read_out_of_what_programs_print(version: tuple[int, int, int], words: str) -> None:
    assert parse_version(words + ".".join(map(str, version)) + "-rc.1 linux/amd64") == version
