"""What a chat looks like: thinking dimmed, the answer plain, pieces as they come."""

import asyncio
import sys
from contextlib import suppress
from typing import Literal

from qwen_infra.cli.output import has_colour
from qwen_infra.cli.prompt_interrupt import ctrl_c_heard

__all__ = ["ChatScreen", "read_question"]

_DIM = "\033[2m"
_PLAIN = "\033[0m"
_ENDINGS = frozenset({"", "/exit", "/quit"})


class ChatScreen:
    """Shows one turn on standard output; without colours thinking stands between two marks instead of dimmed."""

    def __init__(self, *, is_silent: bool, shows_thinking: bool) -> None:
        self._is_silent = is_silent
        self._shows_thinking = shows_thinking
        self._before, self._after = (_DIM, _PLAIN) if has_colour(sys.stdout) else ("[thinking]\n", "[/thinking]")
        self._part: str | None = None

    def show(self, part: Literal["thinking", "answer"], piece: str) -> None:
        """One piece as it came; the blank lines between thinking and answer are not the answer's."""
        if self._is_silent or (part == "thinking" and not self._shows_thinking):
            return
        if part != self._part:
            if part == "answer":
                piece = piece.lstrip("\n")
                if not piece:
                    return
            self._write(self._between(part))
            self._part = part
        self._write(piece)

    def _between(self, part: str) -> str:
        if part == "thinking":
            return self._before
        return f"{self._after}\n\n" if self._part == "thinking" else ""

    def end(self) -> None:
        """Close what is open."""
        if self._part is not None:
            self._write((self._after if self._part == "thinking" else "") + "\n")
            self._part = None

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


async def read_question() -> str | None:
    """The next question; ``None`` when the person is done."""
    try:
        with ctrl_c_heard():
            await asyncio.sleep(0)  # where a Ctrl-C that asyncio only noted until now takes effect
            asked = _line()
    except EOFError:
        return None
    return None if asked in _ENDINGS else asked


def _line() -> str:
    """A line from a person, who may edit it and call back earlier ones, or from a pipe."""
    if not sys.stdin.isatty():
        return input().strip()
    with suppress(ImportError):  # a Python that was built without it reads lines as the terminal gives them
        import readline  # ``input`` uses it once it is imported

        # its marks around what is pasted would stand in the output of a terminal that does not know them
        readline.parse_and_bind("set enable-bracketed-paste off")
    return input("> ").strip()
