"""One way in which a running deployment is not the one that was deployed."""

from dataclasses import dataclass

__all__ = ["Difference"]


@dataclass(frozen=True)
class Difference:
    """What differs.

    Args:
        kind: ``spec`` (an object in the cluster), ``behaviour`` (a pod or its server) or ``age`` (a check long ago).
        place: the object or server, such as ``Pod qwen/vllm-x-abc``.
        what: one sentence without a full stop at its end.
        expected: what the stack file asks for.
        found: what is there.
        mend: the command that brings both together.
    """

    kind: str
    place: str
    what: str
    expected: str | None = None
    found: str | None = None
    mend: str | None = None
