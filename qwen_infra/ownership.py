"""Whether an object that exists under a planned name, and that Pulumi's state does not know, may be taken over; pure.

An ``up`` that is interrupted may leave an object that the API server has made and the state never heard of. Every
object bears the mark of the state that made it, so that such a leftover is told from what anybody else has made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from qwen_infra.cluster.found_objects import FoundObject, ObjectPlace
from qwen_infra.errors import ConfigurationError
from qwen_infra.manifests.names import STACK_LABEL

__all__ = ["MARK", "Owner", "Verdict", "is_as_planned", "judge_ownership"]

MARK = "qwen-infra.dev/state"
"""Annotation of every object: the project of the state that made it, and a number drawn for it, ``project/a1b2``."""


class Verdict(Enum):
    """What to do before an object is created."""

    FREE = "nothing is there"
    LEAVING = "it is being deleted"
    LEFTOVER = "an interrupted `up` of this very state has made it"
    ADOPTED = "cluster.adopt takes it over"
    KNOWN = "made before states had marks, and replaced now"


@dataclass(frozen=True)
class Owner:
    """Who is about to create objects.

    Args:
        stack: the stack's name, as the objects' label tells it.
        mark: of the state; None where it has none yet, which only a preview meets.
        adopt: the stack file's ``cluster.adopt``.
        is_older: the state is from before there were marks: not every object may bear its mark yet, and a preview has
            to pass the replacement of those that do not.
    """

    stack: str
    mark: str | None
    adopt: bool = False
    is_older: bool = False


def judge_ownership(place: ObjectPlace, found: FoundObject | None, owner: Owner) -> Verdict:
    """What is to be done about what lies where an object is to be created.

    Raises:
        ConfigurationError: it belongs to somebody else, or to a state that is not this one.
    """
    if found is None:
        return Verdict.FREE
    if found.is_being_deleted:
        return Verdict.LEAVING
    mark, stack = found.annotations.get(MARK), found.labels.get(STACK_LABEL)
    if owner.mark is not None and mark == owner.mark:
        return Verdict.LEFTOVER
    if owner.adopt and stack == owner.stack:
        return Verdict.ADOPTED
    if owner.is_older and mark is None and stack == owner.stack:
        return Verdict.KNOWN
    raise ConfigurationError(
        f"the object already exists, and this state of stack {owner.stack} has not made it",
        where=str(place),
        found=_tell_maker(mark, stack),
        expected="nothing of this name, or what an interrupted `pulumi up` of this state has left",
        mend=_tell_mend(place, stack, owner),
    )


def _tell_maker(mark: str | None, stack: str | None) -> str:
    if stack is None:
        return "one that qwen-infra has not made"
    if mark is None:
        return f"one of stack {stack}, made before objects bore the mark of their state"
    return f"one of another state of stack {stack}, project {mark.rpartition('/')[0] or 'unknown'}"


def _tell_mend(place: ObjectPlace, stack: str | None, owner: Owner) -> str:
    elsewhere = "choose another qwen-infra:cluster.namespace or qwen-infra:server.name"
    if stack == owner.stack:
        adopt = "pulumi config set --path 'qwen-infra:cluster.adopt' true"
        return f"if this stack's state was lost, {adopt}; if another project or backend deploys it, {elsewhere}"
    if place.kind == "Namespace":
        return "pulumi config set --path 'qwen-infra:cluster.createNamespace' false"
    if stack is not None:
        return elsewhere
    delete = " ".join(("kubectl delete", *place.in_namespace, place.reference))
    return f"{elsewhere}, or, where nobody needs it, {delete}"


def is_as_planned(planned: Any, found: Any) -> bool:
    """Whether a live object says all that is planned; what the API server added to it does not count."""
    if isinstance(planned, Mapping):
        return isinstance(found, Mapping) and all(
            key in found and is_as_planned(value, found[key]) for key, value in planned.items() if value is not None
        )
    if isinstance(planned, Sequence) and not isinstance(planned, str):
        return (
            isinstance(found, Sequence)
            and not isinstance(found, str)
            and len(planned) == len(found)
            and all(is_as_planned(*pair) for pair in zip(planned, found, strict=True))
        )
    return bool(planned == found)
