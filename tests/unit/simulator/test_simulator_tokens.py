import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_infra.simulator.tokens import VOCABULARY_SIZE, decode, encode, split_pieces, token_text

TEXTS = st.text(alphabet=st.characters(codec="utf-8"))
PROSE = st.text(alphabet="abcXYZ .,\n<|>/_0189你好é😀")


@given(TEXTS)
def test_any_text_survives_encoding_and_decoding(text):
    assert decode(encode(text)) == text


@given(PROSE)
def test_prose_with_markup_survives_encoding_and_decoding(text):
    assert decode(encode(text)) == text


@given(PROSE)
def test_every_id_is_inside_the_vocabulary(text):
    assert all(0 <= token_id < VOCABULARY_SIZE for token_id in encode(text))


@given(PROSE)
def test_pieces_are_one_string_per_token_and_join_to_the_text(text):
    pieces = split_pieces(text)
    assert len(pieces) == len(encode(text))
    assert "".join(pieces) == text


@given(st.integers(0, VOCABULARY_SIZE - 1))
def test_every_token_has_a_text(token_id):
    assert token_text(token_id)


@given(st.lists(st.integers(1000, 1000 + 4 * 18278 - 1)))
def test_ids_of_words_with_a_space_survive_decoding_and_encoding(token_ids):
    spaced = [token_id for token_id in token_ids if token_text(token_id).startswith(" ")]
    assert encode(decode(spaced)) == spaced


@pytest.mark.parametrize("marker", ["<|im_start|>", "<|im_end|>", "<think>", "</think>", "<|endoftext|>"])
def test_a_marker_is_one_token(marker):
    assert len(encode(marker)) == 1


def test_an_id_without_a_word_is_reserved_and_still_one_token():
    assert encode(token_text(200_000)) == [200_000]


def test_a_reserved_marker_of_a_known_id_is_plain_text():
    assert decode(encode("<|reserved_1000|>")) == "<|reserved_1000|>"
    assert len(encode("<|reserved_1000|>")) > 1


def test_a_chinese_character_is_one_token():
    assert len(encode("你好")) == 2


def test_a_lone_surrogate_becomes_a_question_mark():
    assert decode(encode("a\ud800b")) == "a?b"


def test_bytes_that_are_no_utf8_become_the_replacement_character():
    assert decode([0xFF]) == "\ufffd"
