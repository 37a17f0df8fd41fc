"""Which key a stack has: made once, given, or taken over from what a lost state had made."""

from typing import Any

import pytest

from qwen_infra.checks import api_key
from qwen_infra.checks.api_key import ApiKeyProvider

PROVIDER = ApiKeyProvider()
NEW: dict[str, Any] = {"rotation": 1, "given": None, "keep_previous": True, "adopt_from": None}
ADOPTING = {**NEW, "adopt_from": {"target": {}, "previous_key": "previous-api-key"}}


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Secret of a lost state."""
    monkeypatch.setattr(api_key, "_read_keys", lambda _: ("sk-held", "sk-before"))


def create(**inputs: Any) -> tuple[str, str]:
    outs = PROVIDER.create(inputs).outs or {}
    return outs["value"], outs["previous"]


def test_each_new_stack_has_a_key_of_its_own() -> None:
    assert create(**NEW) != create(**NEW)


@pytest.mark.usefixtures("held")
def test_an_adopted_key_stays_with_the_one_before_it() -> None:
    assert create(**ADOPTING) == ("sk-held", "sk-before")


@pytest.mark.usefixtures("held")
def test_a_key_that_is_given_while_adopting_leaves_the_clients_the_one_they_have() -> None:
    assert create(**ADOPTING | {"given": "sk-given"}) == ("sk-given", "sk-held")


@pytest.mark.usefixtures("held")
def test_the_adopted_key_is_dropped_at_once_where_that_is_asked_for() -> None:
    assert create(**ADOPTING | {"given": "sk-given", "keep_previous": False}) == ("sk-given", "")


def test_a_raised_rotation_makes_another_key_and_a_lower_one_changes_nothing() -> None:
    old = {**NEW, "rotation": 2, "value": "sk-old", "previous": ""}
    assert PROVIDER.diff("", old, {**NEW, "rotation": 3}).changes
    assert not PROVIDER.diff("", old, {**NEW, "rotation": 1}).changes
