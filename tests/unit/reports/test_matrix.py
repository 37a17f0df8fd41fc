from qwen_infra.reports.matrix import COLUMNS, build_matrix
from tests.unit.reports.records import build_case, build_verification


def test_each_case_has_a_status_for_each_run_newest_first() -> None:
    found = build_matrix(
        (
            build_verification(1, build_case("a"), build_case("b", "failed")),
            build_verification(2, build_case("b"), build_case("c", "skipped", family="tools")),
        )
    )
    assert found is not None
    rows = {row.id: row.statuses for family in found.families for row in family.rows}
    assert rows == {"b": ("passed", "failed"), "c": ("skipped", "not asked"), "a": ("not asked", "passed")}
    assert [(family.name, family.summary) for family in found.families] == [
        ("models", "1 passed, 1 not asked"),
        ("tools", "1 skipped"),
    ]
    assert found.failures == ()


def test_the_failures_are_those_of_the_newest_run() -> None:
    found = build_matrix(
        (build_verification(1, build_case("a", "failed")), build_verification(2, build_case("b", "failed")))
    )
    assert found is not None
    assert [case.id for case in found.failures] == ["b"]


def test_only_the_newest_runs_are_shown() -> None:
    found = build_matrix(tuple(build_verification(number) for number in range(COLUMNS + 3)))
    assert found is not None
    assert len(found.runs) == COLUMNS
    assert found.newest.name == f"verification-{COLUMNS + 2:04}.json"


def test_without_a_verification_there_is_no_matrix() -> None:
    assert build_matrix(()) is None
