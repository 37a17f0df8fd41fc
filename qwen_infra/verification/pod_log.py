"""A report as one line of a pod's log, and found again in that log."""

from pydantic import ValidationError

from qwen_infra.errors import CheckFailedError
from qwen_infra.verification.result import VerificationReport

__all__ = ["read_result_line", "write_result_line"]

MARK = "qwen-infra verification result: "


def write_result_line(report: VerificationReport) -> str:
    """One line, without its end."""
    return f"{MARK}{report.model_dump_json()}"


def read_result_line(log: str) -> VerificationReport:
    """The report in a pod's log; of several the last.

    Raises:
        CheckFailedError: there is none, or its line is cut off or of another version.
    """
    lines = [line for line in log.splitlines() if line.startswith(MARK)]
    if not lines:
        last = next((line.strip()[:300] for line in reversed(log.splitlines()) if line.strip()), "nothing")
        raise CheckFailedError("the pod's log has no result", expected=f"a line that begins {MARK!r}", found=last)
    try:
        return VerificationReport.model_validate_json(lines[-1].removeprefix(MARK))
    except ValidationError as error:
        raise CheckFailedError(
            "the result in the pod's log cannot be read",
            expected="a whole report of this version",
            found=lines[-1][:120],
        ) from error
