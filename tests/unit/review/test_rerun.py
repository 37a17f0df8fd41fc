"""Why a check is among the changes of a preview."""

from typing import Any

from qwen_infra.review.preview import State, Step
from qwen_infra.review.rerun import describe_run, is_check

WEIGHTS = "urn:pulumi:test::qwen-infra::pulumi-python:dynamic/qwen:WeightsReadiness::x-cache-weights"


def weights(op: str, old: dict[str, Any], new: dict[str, Any]) -> Step:
    before, after = ({"triggers": found} for found in (old, new))
    return Step(op=op, urn=WEIGHTS, old_state=State(outputs={**before, "passed": True}), new_state=State(inputs=after))


def test_a_download_that_is_waited_for_again_is_a_check_with_its_reason() -> None:
    step = weights("update", {"weights-a": "1", "weights-c": "1"}, {"weights-a": "2", "weights-b": "1"})
    assert is_check(step)
    run = describe_run(step)
    assert (run.check, run.name) == ("weights", "x-cache-weights")
    assert run.reasons == (
        "the download weights-a changes",
        "the download weights-b is new",
        "the download weights-c goes",
    )


def test_the_first_download_is_told_as_the_first_run() -> None:
    assert describe_run(weights("create", {}, {"weights-a": "1"})).reasons == ("first run",)


def verification(old: dict[str, Any], new: dict[str, Any]) -> tuple[str, ...]:
    urn = "urn:pulumi:test::qwen-infra::pulumi-python:dynamic/qwen:VerificationCheck::x-endpoint-verification"
    before, after = ({"triggers": found} for found in (old, new))
    step = Step(
        op="update", urn=urn, old_state=State(outputs={**before, "passed": True}), new_state=State(inputs=after)
    )
    return describe_run(step).reasons


def test_a_change_that_only_the_manifest_tells_is_told_as_one_of_the_manifest() -> None:
    assert verification({"manifest": "1", "image": "a"}, {"manifest": "2", "image": "a"}) == (
        "the pod's manifest changes",
    )


def test_a_change_with_a_name_is_told_by_its_name_alone() -> None:
    assert verification({"manifest": "1", "image": "a"}, {"manifest": "2", "image": "b"}) == ("image: a → b",)
