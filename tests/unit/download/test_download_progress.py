"""What a reader of the progress sees."""

import io
import json

import pytest

from qwen_infra.download.progress import Counters, choose_reporter, format_bytes, format_duration


def half_way() -> Counters:
    counters = Counters(total_bytes=4 << 20, total_files=2)
    counters.start("model.safetensors", 4 << 20)
    counters.fetched("model.safetensors", 2 << 20)
    return counters


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (1536, "1.5 KiB"), (5 << 20, "5.0 MiB"), (3 << 40, "3072.0 GiB")]
)
def test_sizes(count: int, text: str):
    assert format_bytes(count) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")])
def test_durations(seconds: float, text: str):
    assert format_duration(seconds) == text


def test_a_log_gets_no_line_before_ten_seconds_have_passed():
    stream = io.StringIO()
    reporter = choose_reporter("auto", stream)
    for _ in range(100):
        reporter.tick(half_way())
    assert stream.getvalue() == ""


def test_a_terminal_gets_a_bar_for_everything_and_one_a_file_and_they_are_taken_away():
    stream = io.StringIO()
    reporter = choose_reporter("bars", stream)
    reporter.tick(half_way())
    assert stream.getvalue().startswith("[##########..........] 2.0 MiB of 4.0 MiB (50 %), 0 of 2 files")
    assert "[##########..........] model.safetensors" in stream.getvalue()
    reporter.say("done")
    assert stream.getvalue().endswith("\x1b[2A\x1b[Jdone\n")


def test_a_program_gets_json():
    stream = io.StringIO()
    choose_reporter("json", stream).tick(half_way())
    found = json.loads(stream.getvalue())
    assert (found["bytes"], found["total_bytes"], found["files"], found["total_files"]) == (2 << 20, 4 << 20, 0, 2)


def test_a_file_that_starts_anew_is_taken_off_the_count():
    counters = half_way()
    counters.lost("model.safetensors")
    assert counters.snapshot().done_bytes == 0


def test_bytes_that_were_fetched_and_lost_are_not_taken_off_those_that_were_found():
    counters = Counters(total_bytes=30, total_files=2)
    counters.start("kept", 10)
    counters.found("kept", 10)
    counters.finish("kept")
    counters.start("anew", 20)
    counters.found("anew", 5)
    counters.fetched("anew", 15)
    counters.lost("anew")
    assert (counters.found_bytes, counters.fetched_bytes, counters.snapshot().done_bytes) == (10, 15, 10)
