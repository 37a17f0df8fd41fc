"""Trying again: what may mend itself, how long to wait, and when to give up."""

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from qwen_infra.download.exits import DownloadError, Exit, StoppedError
from qwen_infra.download.order import DownloadOrder

__all__ = ["Patience", "TransientError", "parse_retry_after", "persist"]

_LONGEST_DELAY_S = 60.0
_LONGEST_RETRY_AFTER_S = 300.0
_Answer = TypeVar("_Answer")


class TransientError(Exception):
    """Something that another try may mend; ``retry_after_s`` is what the server asked for."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Patience:
    """Counts failures in a row that brought nothing, waits between them, and says when it is enough."""

    def __init__(self, order: DownloadOrder, stop: threading.Event, say: Callable[[str], None]) -> None:
        self._order = order
        self._stop = stop
        self._say = say
        self._failures = 0

    def reset(self) -> None:
        """Something arrived."""
        self._failures = 0

    def wait(self, what: str, error: TransientError) -> None:
        """Sleep before the next try.

        Raises:
            DownloadError: enough tries brought nothing.
            StoppedError: the download ends for another reason.
        """
        self._failures += 1
        if self._failures > self._order.retries:
            raise DownloadError(
                Exit.NETWORK_GIVEN_UP,
                f"{what}: given up after {self._failures} tries in a row that brought nothing; the last: {error}. "
                "Run it again, it goes on where it stopped",
            ) from error
        delay = self._delay(error)
        self._say(f"{what}: {error}; try {self._failures} of {self._order.retries} in {delay:.1f} s")
        if self._stop.wait(delay):
            raise StoppedError

    def _delay(self, error: TransientError) -> float:
        """The server's wish, else doubled each time, with a random half so that many clients do not meet."""
        if error.retry_after_s is not None:
            return min(error.retry_after_s, _LONGEST_RETRY_AFTER_S)
        delay = min(self._order.retry_delay_s * 2.0 ** (self._failures - 1), _LONGEST_DELAY_S)
        return delay * random.uniform(0.5, 1.0)


def persist(call: Callable[[], _Answer], patience: Patience, what: str) -> _Answer:
    """The result of the first call that works."""
    while True:
        try:
            return call()
        except TransientError as error:
            patience.wait(what, error)


def parse_retry_after(text: str | None) -> float | None:
    """Seconds from now, from either form of the header (RFC 9110, 10.2.3); ``None`` for anything else."""
    if text is None:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    now = datetime.fromtimestamp(time.time(), UTC)
    return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now.timestamp())
