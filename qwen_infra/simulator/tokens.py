"""A small deterministic tokenizer that is reversible without a vocabulary file.

It is not Qwen's: counts differ from the real ones (about one token for three letters). What holds: the same text gives
the same ids everywhere, ``decode(encode(text)) == text``, and every id below the vocabulary size has a text.
"""

import re
from collections.abc import Iterable

__all__ = ["END_OF_TEXT", "VOCABULARY_SIZE", "decode", "encode", "split_pieces", "token_text"]

VOCABULARY_SIZE = 248320
"""Qwen3.5's (facts, 1.2)."""

END_OF_TEXT = "<|endoftext|>"

_SPECIAL_IDS = {
    text: 248044 + offset
    for offset, text in enumerate(
        (
            END_OF_TEXT,
            "<|im_start|>",
            "<|im_end|>",
            "<think>",
            "</think>",
            "<tool_call>",
            "</tool_call>",
            "<tool_response>",
            "</tool_response>",
        )
    )
}
_SPECIAL_TEXTS = {token_id: text for text, token_id in _SPECIAL_IDS.items()}

_BLANK_LINE = "\n\n"
_BLANK_LINE_ID = 256
_WORD_BASE = 1000
_WORDS = 26 + 26**2 + 26**3  # one to three letters
_CJK_BASE = 80_000
_CJK_FIRST, _CJK_LAST = 0x4E00, 0x9FFF
_MAX_CACHED_PIECES = 200_000

_PIECE = re.compile(
    r"<\|(?:endoftext|im_start|im_end|reserved_[1-9]\d{2,5})\|>|</?think>|</?tool_call>|</?tool_response>"
    r"| ?(?:[A-Z][a-z]{0,2}|[a-z]{1,3})|\n\n|.",
    re.DOTALL,
)
_RESERVED = re.compile(r"<\|reserved_(\d+)\|>")
_cache: dict[str, tuple[int, ...]] = {}


def encode(text: str) -> list[int]:
    """Token ids of ``text``; a lone surrogate, which has no UTF-8 form, becomes a question mark."""
    ids: list[int] = []
    for piece in _PIECE.findall(text):
        known = _cache.get(piece)
        if known is None:
            known = _encode_piece(piece)
            if len(_cache) < _MAX_CACHED_PIECES:
                _cache[piece] = known
        ids.extend(known)
    return ids


def decode(token_ids: Iterable[int]) -> str:
    """Text of ``token_ids``; bytes that are no UTF-8 together become the replacement character, as in vLLM."""
    return b"".join(_token_bytes(token_id) for token_id in token_ids).decode("utf-8", errors="replace")


def token_text(token_id: int) -> str:
    """Text of one token on its own."""
    return decode((token_id,))


def split_pieces(text: str) -> list[str]:
    """``text`` as one string per token, as a stream shows it.

    A character of several byte tokens shows with the last of them; the ones before are empty strings.
    """
    pieces: list[str] = []
    for piece in _PIECE.findall(text):
        pieces.extend([""] * (len(_encode_piece(piece)) - 1))
        pieces.append(piece)
    return pieces


def _encode_piece(piece: str) -> tuple[int, ...]:
    if piece in _SPECIAL_IDS:
        return (_SPECIAL_IDS[piece],)
    if piece == _BLANK_LINE:
        return (_BLANK_LINE_ID,)
    letters = piece.removeprefix(" ")
    if letters.isascii() and letters.isalpha():
        return (_word_id(has_space=piece != letters, letters=letters),)
    if len(piece) == 1 and _CJK_FIRST <= ord(piece) <= _CJK_LAST:
        return (_CJK_BASE + ord(piece) - _CJK_FIRST,)
    reserved = _RESERVED.fullmatch(piece)
    if reserved and _is_reserved(int(reserved[1])):
        return (int(reserved[1]),)
    return tuple(piece.encode("utf-8", errors="replace"))


def _token_bytes(token_id: int) -> bytes:
    if 0 <= token_id < 256:
        return bytes((token_id,))
    if token_id == _BLANK_LINE_ID:
        return _BLANK_LINE.encode()
    if token_id in _SPECIAL_TEXTS:
        return _SPECIAL_TEXTS[token_id].encode()
    if _WORD_BASE <= token_id < _WORD_BASE + 4 * _WORDS:
        return _word_text(token_id - _WORD_BASE).encode()
    if _CJK_BASE <= token_id <= _CJK_BASE + _CJK_LAST - _CJK_FIRST:
        return chr(token_id - _CJK_BASE + _CJK_FIRST).encode()
    return f"<|reserved_{token_id}|>".encode()


def _is_reserved(token_id: int) -> bool:
    return token_id < VOCABULARY_SIZE and _token_bytes(token_id).startswith(b"<|reserved_")


def _word_id(*, has_space: bool, letters: str) -> int:
    index = 0
    for letter in letters.lower():
        index = index * 26 + ord(letter) - ord("a") + 1
    variant = 2 * has_space + letters[0].isupper()
    return _WORD_BASE + variant * _WORDS + index - 1


def _word_text(offset: int) -> str:
    variant, index = divmod(offset, _WORDS)
    index += 1
    letters = ""
    while index:
        index, letter = divmod(index - 1, 26)
        letters = chr(ord("a") + letter) + letters
    if variant % 2:
        letters = letters.capitalize()
    return " " + letters if variant >= 2 else letters
