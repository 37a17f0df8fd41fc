"""Every error that a user can meet, as one tree; the command line and the Pulumi program only print what these say.

QwenInfraError
 ├── ConfigurationError      exit code 2: the stack file, a flag or an argument is wrong
 ├── CheckFailedError        exit code 1: the thing asked about failed (does not fit, a wrong answer, an SLO missed)
 └── EnvironmentMissingError exit code 3: no cluster, no binary, no permission, no network

No formatting for a terminal here: an error is plain text, decorated by whoever prints it.
"""

from typing import ClassVar

__all__ = ["CheckFailedError", "ConfigurationError", "EnvironmentMissingError", "QwenInfraError"]


class QwenInfraError(Exception):
    """What was wrong, where, what was found and expected, and the command that mends it, on one line.

    Args:
        what: one sentence without a full stop at its end.
        where: the stack-file key (``qwen-infra:server.gpu``), object (``Secret qwen/api-key``) or flag (``--name``).
        found: what was found there.
        expected: what would have been right.
        mend: the command to run, or the change to make.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        found: object = None,
        expected: object = None,
        mend: str | None = None,
    ) -> None:
        self.what = what
        self.where = where
        self.found = found
        self.expected = expected
        self.mend = mend
        super().__init__(what)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        facts = [f"{label} {value}" for label, value in self._facts() if value is not None]
        if facts:
            text += f" ({', '.join(facts)})"
        if self.mend:
            text = f"{text.removesuffix('.')}. To mend it: {self.mend}"
        return text

    def _facts(self) -> tuple[tuple[str, object], ...]:
        return (("found", self.found), ("expected", self.expected))


class ConfigurationError(QwenInfraError):
    """The stack file, a flag or an argument is wrong; nothing was started."""

    exit_code = 2


class CheckFailedError(QwenInfraError):
    """The thing asked about failed: it does not fit, answered wrongly, or missed an SLO."""

    exit_code = 1


class EnvironmentMissingError(QwenInfraError):
    """The machine or the cluster lacks something: no cluster, no binary, no permission."""

    exit_code = 3
