"""Free TCP ports on 127.0.0.1, several at once.

Below the range that the kernel hands out for outgoing connections (Linux: from 32768), so that no client of this
machine takes one between the choice and its use.
"""

import random
import socket
from contextlib import ExitStack

from qwen_infra.errors import EnvironmentMissingError

__all__ = ["find_free_ports", "is_taken"]

LOOPBACK = "127.0.0.1"
_FIRST, _LAST = 20_000, 32_000


def find_free_ports(count: int) -> list[int]:
    """``count`` different ports that nothing listens on.

    The caller starts its server at once; several callers of one machine hold a lock around both (cluster.py).

    Raises:
        EnvironmentMissingError: fewer than ``count`` free ones among a thousand tried.
    """
    chosen: list[int] = []
    with ExitStack() as held:
        for port in random.sample(range(_FIRST, _LAST), 1000):
            if len(chosen) == count:
                break
            probe = held.enter_context(socket.socket())
            try:
                # without SO_REUSEADDR a port in TIME_WAIT counts as taken, as it does for the servers started later
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            chosen.append(port)
    if len(chosen) < count:
        raise EnvironmentMissingError(
            "too few free TCP ports on 127.0.0.1",
            found=f"{len(chosen)} of 1000 tried between {_FIRST} and {_LAST}",
            expected=count,
            mend="end programs that listen there (ss -ltn shows them)",
        )
    return chosen


def is_taken(port: int) -> bool:
    """Whether a program listens on the port; connections of an ended one do not count, as servers ignore them too."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen()
        except OSError:
            return True
    return False
