"""How long the downloader waits, and when it gives up."""

import threading
import time
from email.utils import formatdate

import pytest

from qwen_infra.download import DownloadError, DownloadOrder, Exit
from qwen_infra.download.retrying import Patience, TransientError, parse_retry_after, persist

QUICK = DownloadOrder("Qwen/x", "main", retries=2, retry_delay_s=0)


def patience() -> Patience:
    return Patience(QUICK, threading.Event(), lambda _: None)


def test_retry_after_in_seconds():
    assert parse_retry_after("12") == 12


def test_retry_after_as_a_date():
    assert parse_retry_after(formatdate(time.time() + 60, usegmt=True)) == pytest.approx(60, abs=30)


@pytest.mark.parametrize("text", [None, "", "soon", "Mon, 99 Foo"])
def test_a_retry_after_that_means_nothing_is_none(text: str | None):
    assert parse_retry_after(text) is None


def test_a_date_that_has_passed_means_now():
    assert parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0


def test_it_gives_up_after_failures_in_a_row():
    calls = []

    def fail() -> None:
        calls.append(1)
        raise TransientError("no")

    with pytest.raises(DownloadError) as caught:
        persist(fail, patience(), "x")
    assert len(calls) == 3
    assert caught.value.exit_code is Exit.NETWORK_GIVEN_UP


def test_progress_makes_it_patient_again():
    found = patience()
    for _ in range(10):
        found.wait("x", TransientError("no"))
        found.reset()


def test_only_the_network_and_termination_are_worth_another_try():
    assert {code for code in Exit if not code.is_final} == {Exit.NETWORK_GIVEN_UP, Exit.TERMINATED}
