"""What can go wrong with a Hub, switched on and off while the stand-in runs."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["HubFaults", "Refusal"]


@dataclass(frozen=True)
class Refusal:
    """An answer without a body: a status and headers."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()


@dataclass
class HubFaults:
    """Everything off by default. Sizes in bytes.

    ``cut_after``: each body's connection is cut after so many bytes. ``stall_after`` with ``stalls``: so many bodies
    stop there and say nothing more; with ``trickle`` single bytes follow instead of silence. ``flip``: name to how
    often a byte of it is sent wrong. ``truncate``: name to the size that the server believes it has.
    ``ignore_ranges``: always the whole file. ``refuse_api``, ``refuse_files``, ``refuse_links``: the next answers of
    the API, of files, and of the host to which large files redirect.
    ``hang_api``: so many requests of the API get no answer.
    ``bytes_per_second``: for each connection. ``on_bytes`` hears how many bytes of files were sent in all.
    """

    cut_after: int | None = None
    stall_after: int = 0
    stalls: int = 0
    trickle: bool = False
    flip: dict[str, int] = field(default_factory=dict)
    truncate: dict[str, int] = field(default_factory=dict)
    ignore_ranges: bool = False
    refuse_api: list[Refusal] = field(default_factory=list)
    refuse_files: list[Refusal] = field(default_factory=list)
    refuse_links: list[Refusal] = field(default_factory=list)
    hang_api: int = 0
    bytes_per_second: float | None = None
    on_bytes: Callable[[int], None] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def take_refusal(self, kind: str) -> Refusal | None:
        """The next answer that the script has for ``api``, ``files`` or ``links``."""
        script: list[Refusal] = getattr(self, f"refuse_{kind}")
        with self._lock:
            return script.pop(0) if script else None

    def take_stall(self) -> bool:
        with self._lock:
            self.stalls -= 1
            return self.stalls >= 0

    def take_hang(self) -> bool:
        with self._lock:
            self.hang_api -= 1
            return self.hang_api >= 0

    def take_flip(self, name: str) -> bool:
        with self._lock:
            left = self.flip.get(name, 0)
            if left:
                self.flip[name] = left - 1
            return left > 0
