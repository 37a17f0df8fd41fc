import pytest

from qwen_infra.errors import ConfigurationError
from qwen_infra.toolchain.programs import BUILD_ORDER, BY_NAME, PROGRAMS, PROGRAMS_OF, Version, select_programs


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("pulumi", (3, 259, 0)),
        ("pulumi", (3, 272, 1)),
        ("kubectl", (1, 35, 0)),
        ("kubectl", (1, 37, 9)),
        ("kube-apiserver", (1, 36, 0)),
        ("kube-scheduler", (1, 36, 4)),
        ("etcd", (3, 5, 13)),
        ("etcd", (3, 6, 14)),
        ("kwok", (0, 8, 0)),
        ("kwokctl", (0, 9, 1)),
    ],
)
def test_a_version_that_is_good_enough_is_accepted(name: str, version: Version) -> None:
    assert BY_NAME[name].accepts(version)


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("pulumi", (3, 258, 9)),
        ("pulumi", (4, 0, 0)),
        ("kubectl", (1, 34, 11)),
        ("kubectl", (1, 38, 0)),
        ("kube-apiserver", (1, 35, 8)),
        ("kube-controller-manager", (1, 37, 0)),
        ("etcd", (3, 4, 23)),
        ("etcd", (3, 5, 12)),
        ("kwok", (0, 7, 0)),
    ],
)
def test_a_version_that_is_too_old_or_too_new_is_refused(name: str, version: Version) -> None:
    assert not BY_NAME[name].accepts(version)


def test_every_program_has_exactly_one_recipe() -> None:
    assert sorted(name for names in PROGRAMS_OF.values() for name in names) == sorted(BY_NAME)


def test_a_program_that_only_tests_need_is_built_for_no_deployment() -> None:
    assert set(BY_NAME) - set(PROGRAMS) == {"registry", "lws-controller"}


def test_every_recipe_is_in_the_build_order() -> None:
    assert {program.recipe for program in BY_NAME.values()} == set(BUILD_ORDER)


def test_pulumi_brings_its_python_language_host() -> None:
    assert [program.name for program in select_programs(("pulumi",))] == ["pulumi", "pulumi-language-python"]


def test_a_program_named_twice_is_selected_once() -> None:
    assert [program.name for program in select_programs(("etcd", "etcd"))] == ["etcd"]


def test_an_unknown_program_is_refused_with_the_known_names() -> None:
    with pytest.raises(ConfigurationError, match=r"found helm, expected one of pulumi, .*kwokctl"):
        select_programs(("helm", "kubectl"))
