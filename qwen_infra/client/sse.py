"""Server-sent events out of a stream of bytes, however the network cuts it.

Follows the event stream format of the HTML standard (section 9.2), as far as model servers use it: ``data`` fields are
joined, comments and other fields are passed over, an event that no blank line ends is dropped. Stricter than the
standard in one point: invalid UTF-8 is an error, since a model server that sends it is broken. No network here.
"""

from qwen_infra.client.errors import BrokenAnswerError

__all__ = ["MAX_EVENT_BYTES", "SseParser"]

MAX_EVENT_BYTES = 16 * 1024 * 1024
"""Largest single event, in bytes; a chat answer of a whole 1M-token context in one event stays below."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class SseParser:
    """Collects bytes and hands out the ``data`` of each event that they complete.

    The events do not depend on where the bytes were cut: inside a character, between CR and LF, inside a field name.

    Args:
        max_event_bytes: an event that grows beyond it raises instead of filling the memory.
    """

    def __init__(self, *, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_event_bytes = max_event_bytes
        self._partial_line: list[bytes] = []
        self._data: list[bytes] = []
        self._size_bytes = 0
        self._ended_with_cr = False
        self._at_start = True

    def feed(self, received: bytes) -> list[str]:
        """Data of the events that ``received`` completes, in order; empty when it completes none.

        Raises:
            BrokenAnswerError: the event is too large, or is not UTF-8.
        """
        whole = self._take_whole_events(received)
        if whole is not None:
            return whole
        if self._ended_with_cr and received.startswith(b"\n"):
            received = received[1:]
            self._ended_with_cr = False
        if not received:
            return []
        self._ended_with_cr = received.endswith(b"\r")
        self._size_bytes += len(received)
        events: list[str] = []
        for piece in received.splitlines(keepends=True):
            line = piece.rstrip(b"\r\n")
            if len(line) == len(piece):
                self._partial_line.append(piece)
                break
            if self._partial_line:
                line = b"".join([*self._partial_line, line])
                self._partial_line.clear()
            self._take_line(line, events)
        if self._size_bytes > self._max_event_bytes:
            raise BrokenAnswerError(f"an event of the stream is larger than {self._max_event_bytes} bytes")
        return events

    def _take_whole_events(self, received: bytes) -> list[str] | None:
        """The usual case at a fifth of the cost: complete events of one ``data: `` line each; None for all others."""
        if self._partial_line or self._data or self._ended_with_cr or not received.endswith(b"\n\n"):
            return None
        events = received[:-2].split(b"\n\n")
        if received.count(b"\n") != 2 * len(events) or b"\r" in received or len(received) > self._max_event_bytes:
            return None
        if not all(event.startswith(b"data: ") for event in events):
            return None
        self._at_start = False
        self._size_bytes = 0
        return [_decode(event[6:]) for event in events]

    def _take_line(self, line: bytes, events: list[str]) -> None:
        if self._at_start:
            line = line.removeprefix(_BYTE_ORDER_MARK)
            self._at_start = False
        if not line:
            if self._data:
                events.append(_decode(b"\n".join(self._data)))
                self._data.clear()
            self._size_bytes = 0
        elif line.startswith(b"data:"):
            self._data.append(line[6:] if line.startswith(b"data: ") else line[5:])
        elif line == b"data":
            self._data.append(b"")


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BrokenAnswerError(f"the stream is not UTF-8: {error.reason} at byte {error.start} of an event") from error
