"""When the weights count as there."""

from qwen_infra.checks import CheckTarget
from qwen_infra.checks.downloading import judge_downloads
from qwen_infra.cluster.job_state import JobState

TARGET = CheckTarget("qwen", "server", "service", 8000, "m", "secret", "key")


def complete(digest: str, node: str = "one") -> JobState:
    return JobState("complete", "complete", {"commit": f"commit-{digest}", "digest": digest}, node)


def test_nodes_with_the_same_files_are_one_result() -> None:
    outcome = judge_downloads(TARGET, {"a": complete("1"), "b": complete("1", "two")}, set())
    assert outcome.passed
    assert (outcome.details["commit"], outcome.details["digest"]) == ("commit-1", "1")


def test_nodes_with_different_files_fail_and_name_the_way_out() -> None:
    outcome = judge_downloads(TARGET, {"a": complete("1"), "b": complete("2", "two")}, set())
    assert not outcome.passed
    assert "Name a commit in qwen-infra:model.revision" in outcome.summary


def test_a_failed_job_says_where_to_look_and_what_the_next_up_does() -> None:
    outcome = judge_downloads(TARGET, {"a": JobState("failed", "the disk is full", {}, "one")}, set())
    assert not outcome.passed
    assert outcome.summary.startswith("Job qwen/a (node one): the disk is full. To see more: `kubectl")
    assert "the next `pulumi up` replaces the Job" in outcome.summary


def test_a_simulated_node_is_never_taken_for_a_download() -> None:
    outcome = judge_downloads(TARGET, {"a": JobState("complete", "complete", {}, "one")}, {"a"})
    assert outcome.passed
    assert "nothing was downloaded" in outcome.summary
    assert outcome.details["digest"] == "simulated"
