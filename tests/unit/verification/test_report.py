from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from rich.cells import cell_len

from qwen_infra.client import Provenance
from qwen_infra.verification import CASES, CaseResult, VerificationReport, render_junit, render_table
from qwen_infra.verification.case import LEVELS
from qwen_infra.verification.soak import SoakTally


def result(case_id: str, status: str = "passed", detail: str = "fine", actual: str | None = None) -> CaseResult:
    return CaseResult.model_validate(
        {"id": case_id, "status": status, "duration_s": 0.5, "detail": detail, "proves": "it works", "actual": actual}
    )


def build(*cases: CaseResult, passed: bool) -> VerificationReport:
    description = "vLLM 0.32.0 on the CPU with a miniature model"
    return VerificationReport(
        passed=passed,
        simulated=True,
        suite_version="1",
        level="smoke",
        model="qwen3.5",
        url="http://127.0.0.1:8000",
        started_at=datetime.now(UTC),
        duration_s=2.1,
        provenance=Provenance(kind="cpu-miniature", simulated=True, hardware="cpu", description=description),
        cases=cases,
    )


def test_a_passed_run_is_summed_up_by_count_and_time():
    report = build(result("a"), result("b"), passed=True)
    assert report.summary == "verification passed: 2 of 2 cases in 2.1 s"


def test_skipped_cases_are_told_apart():
    report = build(result("a"), result("b", "skipped"), passed=True)
    assert report.summary == "verification passed: 1 of 2 cases in 2.1 s, 1 skipped"


def test_a_failed_run_is_summed_up_by_its_first_failure():
    report = build(result("a"), result("b", "failed", "content is empty"), passed=False)
    assert report.summary == "verification failed: b: content is empty (1 of 2 cases failed)"


def test_further_failures_are_named():
    report = build(result("a", "failed", "x"), result("b", "failed"), result("c", "failed"), passed=False)
    assert report.summary == "verification failed: a: x; also b, c (3 of 3 cases failed)"


def test_a_run_in_which_nothing_ran_has_not_passed():
    report = build(result("a", "skipped"), passed=False)
    assert report.summary == "verification failed: none of 1 cases could run"


@pytest.mark.parametrize(("status", "passed"), [("passed", False), ("failed", True), ("skipped", True)])
def test_a_report_that_contradicts_its_cases_cannot_be_made(status, passed):
    with pytest.raises(ValueError, match="contradicts"):
        build(result("a", status), passed=passed)


def test_the_table_keeps_to_80_columns_with_chinese_in_it():
    report = build(
        result("chat-chinese-introduction", "failed", "我是一个大语言模型" * 12, actual="答" * 100),
        result("key-required"),
        passed=False,
    )
    assert max(cell_len(line) for line in render_table(report).splitlines()) <= 80


def test_the_table_says_what_answered_each_status_and_the_summary():
    table = render_table(build(result("a"), result("b", "failed", "content is empty", actual="nothing"), passed=False))
    assert "vLLM 0.32.0 on the CPU with a miniature model" in table
    assert "content is empty; came: nothing" in table
    assert table.endswith("verification failed: b: content is empty (1 of 2 cases failed)")


def test_what_passed_in_a_large_family_is_one_line_and_what_failed_stands_apart():
    many = [result(f"tools-{number}").model_copy(update={"family": "tools"}) for number in range(8)]
    failed = result("tools-8", "failed", "no tool was called").model_copy(update={"family": "tools"})
    table = render_table(build(*many, failed, passed=False))
    assert "tools: 8 cases" in table
    assert "tools-3" not in table
    assert "no tool was called" in table


def test_many_skips_for_one_reason_are_one_line():
    table = render_table(build(result("a"), *(result(f"b{n}", "skipped", "no server") for n in range(8)), passed=True))
    assert "8 cases" in table
    assert table.count("no server") == 1


def test_a_retry_is_told():
    again = result("a").model_copy(update={"attempts": 2})
    assert build(again, passed=True).summary.endswith(", 1 asked again")


def test_a_passed_report_is_junit_without_failures():
    suite = ElementTree.fromstring(render_junit(build(result("a"), result("b", "skipped", "no plan"), passed=True)))
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("2", "0", "1")
    assert [case.get("name") for case in suite.findall("testcase")] == ["a", "b"]


def test_a_failed_case_is_a_junit_failure_that_xml_can_hold():
    suite = ElementTree.fromstring(render_junit(build(result("a", "failed", "bad \x00 <&"), passed=False)))
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "bad ? <&"


def test_connections_that_were_tried_again_are_told_but_fail_nothing():
    tally = SoakTally()
    for late in (2, 0, 1):
        tally.add((result("a").model_copy(update={"late_connections": late}),))
    (steady,) = tally.results()
    assert (steady.status, steady.flakes, steady.late_connections) == ("passed", 0, 3)
    told = build(steady, passed=True)
    assert "3 connections tried again" in told.summary
    assert "3 connections tried again" in render_table(told)


def test_a_soak_counts_runs_and_flakes():
    tally = SoakTally()
    tally.add((result("a"), result("b")))
    tally.add((result("a", "failed", "no answer").model_copy(update={"flakes": 1}), result("b")))
    tally.add((result("a"), result("b")))
    flaky, steady = tally.results()
    assert (flaky.status, flaky.runs, flaky.flakes) == ("failed", 3, 1)
    assert flaky.detail == "1 of 3 runs failed, the last so: no answer"
    assert (steady.status, steady.runs, steady.flakes) == ("passed", 3, 0)


def test_markup_in_an_answer_is_shown_as_it_came():
    assert "[red]x[/red]" in render_table(build(result("a", detail="[red]x[/red]"), passed=True))


def test_every_case_has_an_id_of_its_own_and_says_what_it_is_for():
    assert len({case.id for case in CASES}) == len(CASES)
    assert all(case.proves and case.guards_against and case.deadline_s > 0 for case in CASES)


def test_each_level_holds_the_cases_of_those_before_it():
    counts = [sum(case.belongs_to(level) for case in CASES) for level in LEVELS]
    assert counts == sorted(counts)
