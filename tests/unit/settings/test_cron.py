"""Cron expressions and the schedule of the verification: what Kubernetes takes is taken, what it refuses is told."""

import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_infra.errors import ConfigurationError
from qwen_infra.settings import load_settings
from qwen_infra.settings.cron import check_cron

GOOD = ["0 4 * * *", "*/15 * * * *", "0 4 * * mon-fri", "5,35 0-6/2 1 jan,JUL ?", "@daily", "@hourly", "59 23 31 12 6"]
WRONG = {
    "": "has 0 fields, not five",
    "0 4 * *": "has 4 fields, not five",
    "0 0 4 * * *": "has 6 fields, not five",
    "60 4 * * *": "the minute of '60 4 * * *' is '60', not 0 to 59",
    "0 24 * * *": "the hour of '0 24 * * *' is '24', not 0 to 23",
    "0 4 0 * *": "the day of month of '0 4 0 * *' is '0', not 1 to 31",
    "0 4 * 13 *": "the month of '0 4 * 13 *' is '13', not 1 to 12",
    "0 4 * * 7": "the day of week of '0 4 * * 7' is '7', not 0 to 6",
    "0 4 * * fri-mon": "a range that ends before it begins",
    "*/0 4 * * *": "a step of zero",
    "*-5 4 * * *": "a range that begins with *",
    "0 4 * * daily": "is 'daily', not 0 to 6",
    "0 4, * * *": "the hour of '0 4, * * *' is '', not a number",
    "@nightly": "is none of @yearly",
}


@pytest.mark.parametrize("text", GOOD)
def test_what_kubernetes_takes_is_taken(text: str) -> None:
    assert check_cron(text) == text


@pytest.mark.parametrize(("text", "message"), WRONG.items())
def test_what_kubernetes_refuses_is_told_with_its_field(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        check_cron(text)


@given(st.text(max_size=30))
def test_any_text_is_taken_or_refused_with_one_line(text: str) -> None:
    with suppress(ValueError):
        assert check_cron(text) == text


def load(verification: Any) -> Any:
    raw = {
        "cluster": {"identifier": "test"},
        "model": {"name": "Qwen3.5-4B", "precision": "bf16"},
        "server": {"gpu": "H200", "maxModelLen": 8192},
        "verification": verification,
    }
    return load_settings({f"qwen-infra:{key}": value for key, value in raw.items()}).verification


def test_by_default_nothing_is_scheduled() -> None:
    assert load({}).schedule is None


def test_a_cron_expression_may_stand_alone() -> None:
    schedule = load({"schedule": "0 4 * * *"}).schedule
    assert (schedule.cron, schedule.time_zone, schedule.level, schedule.keep) == ("0 4 * * *", "Etc/UTC", "full", 3)


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ("0 25 * * *", "not 0 to 23"),
        ({"cron": "@daily", "timeZone": "Mars/Olympus"}, "is no time zone"),
        ({"cron": "@daily", "level": "off"}, "smoke"),
        ({"cron": "@daily", "level": "soak", "timeoutMinutes": 5}, "ends a soak of soakMinutes 10"),
        ({"timeZone": "Etc/UTC"}, "qwen-infra:verification.schedule.cron"),
    ],
)
def test_a_wrong_schedule_is_told_in_one_message(schedule: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load({"schedule": schedule})
    assert message in str(caught.value)
    assert "qwen-infra:verification" in str(caught.value)
