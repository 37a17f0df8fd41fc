"""What lies where an object is to be created: taken over, waited for, or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_infra.cluster.found_objects import FoundObject, ObjectPlace
from qwen_infra.errors import ConfigurationError
from qwen_infra.manifests.names import STACK_LABEL
from qwen_infra.ownership import MARK, Owner, Verdict, is_as_planned, judge_ownership

PLACE = ObjectPlace("networking.k8s.io/v1", "NetworkPolicy", "qwen", "serving")
NAMESPACE = ObjectPlace("v1", "Namespace", "serving")
MINE = Owner("prod", "qwen-infra/a1")
NEW = Owner("prod", None)
ADOPTING = Owner("prod", "qwen-infra/a1", adopt=True)
OLDER = Owner("prod", None, is_older=True)
HALF_MARKED = Owner("prod", "qwen-infra/a1", is_older=True)


def found(stack: str | None = None, mark: str | None = None, *, is_being_deleted: bool = False) -> FoundObject:
    labels = {STACK_LABEL: stack} if stack else {}
    return FoundObject(labels, {MARK: mark} if mark else {}, is_being_deleted)


@pytest.mark.parametrize(
    ("there", "owner", "verdict"),
    [
        (None, MINE, Verdict.FREE),
        (None, NEW, Verdict.FREE),
        (found("prod", "qwen-infra/a1"), MINE, Verdict.LEFTOVER),
        (found("prod", "qwen-infra/a1"), ADOPTING, Verdict.LEFTOVER),
        (found("prod", "qwen-infra/b2", is_being_deleted=True), MINE, Verdict.LEAVING),
        (found("prod", "qwen-infra/b2"), ADOPTING, Verdict.ADOPTED),
        (found("prod"), ADOPTING, Verdict.ADOPTED),
        (found("prod"), OLDER, Verdict.KNOWN),
        (found("prod"), HALF_MARKED, Verdict.KNOWN),
    ],
)
def test_what_may_be_created_or_taken_over(there: FoundObject | None, owner: Owner, verdict: Verdict) -> None:
    assert judge_ownership(PLACE, there, owner) is verdict


@pytest.mark.parametrize(
    ("there", "owner", "maker"),
    [
        (found("prod", "qwen-infra/b2"), MINE, "one of another state of stack prod, project qwen-infra"),
        (found("prod", "another/b2"), MINE, "one of another state of stack prod, project another"),
        (found("prod", "qwen-infra/a1"), NEW, "one of another state of stack prod, project qwen-infra"),
        (found("prod"), MINE, "one of stack prod, made before objects bore the mark of their state"),
        (found("prod"), NEW, "one of stack prod, made before objects bore the mark of their state"),
        (found("dev", "qwen-infra/b2"), MINE, "one of another state of stack dev, project qwen-infra"),
        (found("dev", "qwen-infra/b2"), ADOPTING, "one of another state of stack dev, project qwen-infra"),
        (found("dev"), OLDER, "one of stack dev, made before objects bore the mark of their state"),
        (found("prod", "qwen-infra/b2"), OLDER, "one of another state of stack prod, project qwen-infra"),
        (found(), MINE, "one that qwen-infra has not made"),
        (found(), ADOPTING, "one that qwen-infra has not made"),
        (found(), OLDER, "one that qwen-infra has not made"),
        (found("prod", "qwen-infra/b2"), HALF_MARKED, "one of another state of stack prod, project qwen-infra"),
    ],
)
def test_what_somebody_else_made_is_refused_and_its_maker_told(there: FoundObject, owner: Owner, maker: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        judge_ownership(PLACE, there, owner)
    told = str(refused.value)
    assert told.startswith(
        "NetworkPolicy serving/qwen: the object already exists, and this state of stack prod has not"
    )
    assert f"(found {maker}, expected nothing of this name" in told
    assert "\n" not in told


def mend(place: ObjectPlace, there: FoundObject) -> str:
    with pytest.raises(ConfigurationError) as refused:
        judge_ownership(place, there, MINE)
    return str(refused.value).partition("To mend it: ")[2]


def test_a_lost_state_is_told_of_adoption_and_another_project_of_another_place() -> None:
    told = mend(PLACE, found("prod", "qwen-infra/b2"))
    assert "pulumi config set --path 'qwen-infra:cluster.adopt' true" in told
    assert "choose another qwen-infra:cluster.namespace or qwen-infra:server.name" in told


def test_a_stray_object_is_told_with_the_command_that_deletes_it() -> None:
    assert "kubectl delete --namespace serving NetworkPolicy.v1.networking.k8s.io/qwen" in mend(PLACE, found())


def test_nobody_is_told_to_delete_what_another_stack_runs() -> None:
    assert "delete" not in mend(PLACE, found("dev", "qwen-infra/b2"))
    assert "delete" not in mend(PLACE, found("prod", "qwen-infra/b2"))


def test_a_namespace_that_exists_is_told_with_the_key_that_leaves_it_alone() -> None:
    assert mend(NAMESPACE, found()) == "pulumi config set --path 'qwen-infra:cluster.createNamespace' false"


MARKS = st.one_of(st.none(), st.sampled_from(["qwen-infra/a1", "qwen-infra/b2", "another/b2"]))
STACKS = st.one_of(st.none(), st.sampled_from(["prod", "dev"]))


@given(mark=MARKS, stack=STACKS, own=MARKS)
def test_without_adoption_nothing_is_taken_over_but_what_bears_the_mark_of_this_state(
    mark: str | None, stack: str | None, own: str | None
) -> None:
    try:
        verdict = judge_ownership(PLACE, found(stack, mark), Owner("prod", own))
    except ConfigurationError:
        return
    assert verdict is Verdict.LEFTOVER
    assert own is not None
    assert mark == own


def test_what_the_api_server_adds_is_no_difference() -> None:
    planned = {"template": {"containers": [{"name": "a", "args": ["x"]}]}, "unset": None}
    live = {"template": {"containers": [{"name": "a", "args": ["x"], "imagePullPolicy": "Always"}]}, "suspend": False}
    assert is_as_planned(planned, live)


@pytest.mark.parametrize(
    "live",
    [
        {},
        {"args": ["x"]},
        {"args": ["x", "z"]},
        {"args": "xy"},
        {"args": None},
    ],
)
def test_another_value_a_missing_one_or_one_more_is_a_difference(live: dict[str, object]) -> None:
    assert not is_as_planned({"args": ["x", "y"]}, live)
