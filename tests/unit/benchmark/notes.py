"""The notes of a result that a loaded machine does not add by itself."""

from qwen_infra.benchmark import BenchmarkResult

_OF_LOAD = ("client and server disagree on T", "load generator")


def own_notes(result: BenchmarkResult) -> tuple[str, ...]:
    """All notes but those on timing and the client's share: beside other work a test's client really is the slower."""
    return tuple(note for note in result.notes if not any(cause in note for cause in _OF_LOAD))
