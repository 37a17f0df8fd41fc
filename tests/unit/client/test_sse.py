from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_infra.client import BrokenAnswerError, SseParser

_texts = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=40)
_line_ends = st.sampled_from(["\n", "\r\n", "\r"])


def feed(*pieces: bytes) -> list[str]:
    parser = SseParser()
    return [event for piece in pieces for event in parser.feed(piece)]


def test_an_event_is_handed_out_when_its_blank_line_comes():
    assert feed(b"data: one\n") == []
    assert feed(b"data: one\n", b"\n") == ["one"]


def test_several_data_lines_are_one_event_joined_by_line_ends():
    assert feed(b"data: one\ndata: two\n\n") == ["one\ntwo"]


def test_only_one_space_after_the_colon_is_left_out():
    assert feed(b"data:one\n\ndata:  two\n\n") == ["one", " two"]


def test_comments_and_other_fields_are_passed_over():
    assert feed(b": ping\n\nevent: x\nid: 3\nretry: 10\ndata: one\n\n") == ["one"]


def test_a_data_field_without_a_colon_is_an_empty_line_of_data():
    assert feed(b"data\ndata: x\n\n") == ["\nx"]


def test_a_byte_order_mark_at_the_start_is_passed_over():
    assert feed(b"\xef\xbb", b"\xbfdata: one\n\n") == ["one"]


def test_a_line_end_cut_between_cr_and_lf_is_one_line_end():
    assert feed(b"data: one\r", b"\ndata: two\r", b"\n\r", b"\n") == ["one\ntwo"]


def test_a_character_cut_in_two_arrives_whole():
    encoded = "data: 你好\n\n".encode()
    assert feed(encoded[:8], encoded[8:]) == ["你好"]


def test_an_event_that_no_blank_line_ends_is_dropped():
    assert feed(b"data: one\n\ndata: two\n") == ["one"]


def test_invalid_utf8_is_an_error_of_the_server():
    with pytest.raises(BrokenAnswerError, match="not UTF-8"):
        feed(b"data: \xff\xfe\n\n")


@pytest.mark.parametrize("piece", [b"x" * 400, b": comment\n" * 40, b"data: y\n" * 50])
def test_an_event_that_outgrows_the_cap_is_an_error(piece):
    parser = SseParser(max_event_bytes=300)
    with pytest.raises(BrokenAnswerError, match="larger than 300 bytes"):
        parser.feed(piece)


def test_many_small_events_never_reach_the_cap():
    parser = SseParser(max_event_bytes=100)
    assert sum(len(parser.feed(b"data: " + b"x" * 60 + b"\n\n")) for _ in range(50)) == 50


@given(
    events=st.lists(st.lists(_texts, min_size=1, max_size=3), max_size=6),
    line_end=_line_ends,
    cuts=st.lists(st.integers(0, 600), max_size=20),
)
def test_any_chunking_gives_the_same_events(events, line_end, cuts):
    text = "".join("".join(f"data: {line}{line_end}" for line in lines) + line_end for lines in events)
    encoded = text.encode()
    places = sorted({0, len(encoded), *(cut for cut in cuts if cut < len(encoded))})
    assert feed(*(encoded[start:end] for start, end in pairwise(places))) == ["\n".join(lines) for lines in events]


@given(pieces=st.lists(st.binary(max_size=30), max_size=20))
def test_any_bytes_give_events_or_the_one_error_however_they_are_cut(pieces):
    def outcome(parts: list[bytes]) -> list[str] | str:
        try:
            return feed(*parts)
        except BrokenAnswerError:
            return "broken"

    whole = b"".join(pieces)
    assert outcome(pieces) == outcome([whole[at : at + 1] for at in range(len(whole))])
