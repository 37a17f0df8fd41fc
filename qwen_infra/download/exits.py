"""How a download can end: one exit code for each cause, so that a Job knows which of them a retry can mend."""

from enum import IntEnum

__all__ = ["DownloadError", "Exit", "StoppedError", "explain_stop"]


class Exit(IntEnum):
    """Exit codes. 1 (a fault of the program) and 2 (usage) are Python's and argparse's own."""

    COMPLETE = 0
    USAGE = 2
    NOT_FOUND = 10
    NOT_PERMITTED = 11
    DISK_FULL = 12
    DIGEST_MISMATCH = 13
    NETWORK_GIVEN_UP = 14
    STORAGE_FAILED = 15
    NO_HUB_CLIENT = 16
    TERMINATED = 143

    @property
    def is_final(self) -> bool:
        """Whether another try, without a person doing something first, ends the same way."""
        return self not in (Exit.NETWORK_GIVEN_UP, Exit.TERMINATED)

    @property
    def reason(self) -> str:
        return self.name.lower().replace("_", "-")


class DownloadError(Exception):
    """Why the folder is not complete: one line that ends with what mends it. What has arrived stays."""

    def __init__(self, exit_code: Exit, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class StoppedError(Exception):
    """A part of the work noticed that the download is being stopped; the cause is told elsewhere."""


def explain_stop() -> DownloadError:
    """The error of a download that was asked to stop, from outside."""
    return DownloadError(Exit.TERMINATED, "stopped; run it again, it goes on where it stopped")
