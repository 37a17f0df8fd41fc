"""The remembered cluster, and the mark that a state draws once."""

from typing import Any

from qwen_infra.checks.cluster_identity import ClusterIdentityProvider

PROVIDER = ClusterIdentityProvider()
INPUTS = {"identifier": "gb200", "uid": "u1", "place": "current context", "project": "qwen-infra"}


def made(**changes: Any) -> dict[str, Any]:
    return {**(PROVIDER.create(INPUTS).outs or {}), **changes}


def test_each_state_draws_a_mark_that_names_its_project() -> None:
    first, second = made()["mark"], made()["mark"]
    assert first.startswith("qwen-infra/")
    assert first != second


def test_the_mark_stays_when_the_stack_moves_to_another_cluster() -> None:
    old = made()
    new = {**INPUTS, "identifier": "other", "uid": "u2"}
    assert PROVIDER.diff("", old, new).changes
    assert PROVIDER.update("", old, new).outs == {**new, "mark": old["mark"], "is_older": False}


def test_a_state_from_before_there_were_marks_draws_one_once() -> None:
    old = {key: value for key, value in made().items() if key not in {"mark", "project"}}
    assert PROVIDER.diff("", old, INPUTS).changes
    updated = PROVIDER.update("", old, INPUTS).outs or {}
    assert updated["mark"].startswith("qwen-infra/")
    assert not PROVIDER.diff("", updated, INPUTS).changes


def test_a_state_from_before_there_were_marks_stays_known_as_one_since_not_every_object_may_be_marked() -> None:
    old = {key: value for key, value in made().items() if key not in {"mark", "is_older"}}
    marking = PROVIDER.update("", old, INPUTS).outs or {}
    later = PROVIDER.update("", marking, {**INPUTS, "identifier": "other", "uid": "u2"}).outs or {}
    assert (marking["is_older"], later["is_older"]) == (True, True)
    assert made()["is_older"] is False


def test_the_same_cluster_is_no_change() -> None:
    assert not PROVIDER.diff("", made(), INPUTS).changes


def test_another_cluster_of_the_same_name_is_refused() -> None:
    failures = PROVIDER.check(made(), {**INPUTS, "uid": "u2"}).failures
    assert failures
    assert "found kube-system u2" in failures[0].reason


def test_a_cluster_whose_uid_may_not_be_read_is_neither_refused_nor_forgotten() -> None:
    unread = {key: value for key, value in INPUTS.items() if key != "uid"}
    assert not PROVIDER.check(made(), unread).failures
    assert not PROVIDER.diff("", made(), unread).changes
    assert (PROVIDER.update("", made(), {**unread, "identifier": "other"}).outs or {})["uid"] == "u1"
    assert (PROVIDER.create(unread).outs or {})["mark"]
