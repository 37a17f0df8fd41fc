"""How an update replaces the server's pods, chosen by what the cluster can hold beside them."""

from dataclasses import dataclass
from math import ceil
from typing import Any, Literal

__all__ = ["GREEN", "SLOTS", "RolloutMode", "RolloutPlan", "Slot", "choose_rollout", "generation_name"]

RolloutMode = Literal["auto", "recreate", "rolling", "surge", "blueGreen"]
Slot = Literal["", "green"]
"""Which of two sets of object names a generation of pods has: the server's own name, or that name and ``-green``."""
GREEN: Slot = "green"
SLOTS: tuple[Slot, Slot] = ("", GREEN)


def generation_name(server: str, slot: Slot) -> str:
    """Name of the object that makes the pods of one generation."""
    return f"{server}-{slot}" if slot else server


@dataclass(frozen=True)
class RolloutPlan:
    """The Deployment's strategy, why it was chosen, and the expected downtime of an update [min].

    ``slot``: whose names the planned generation has. ``beside``: the generation that serves until this one is proven;
    None where this one serves already, or none does. ``first_replicas``: copies that a generation starts with whose
    number an autoscaler owns later; None where the stack file's number counts.
    """

    strategy: Literal["recreate", "rolling", "surge", "blueGreen"] = "recreate"
    reason: str = "the new pod needs the GPUs of the old one"
    downtime_minutes: int = 0
    slot: Slot = ""
    beside: str | None = None
    first_replicas: int | None = None

    @property
    def is_gated(self) -> bool:
        """Whether the endpoint moves to a generation only once that has passed its checks."""
        return self.strategy == "blueGreen"

    def to_manifest(self) -> dict[str, Any]:
        """``spec.strategy`` of the Deployment; within a generation that does not serve yet nothing has to be kept."""
        if self.strategy in {"recreate", "blueGreen"}:
            return {"type": "Recreate"}
        surge, unavailable = (1, 0) if self.strategy == "surge" else (0, 1)
        return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}

    def describe(self, name: str) -> str:
        """One line for previews."""
        known = {
            "recreate": f"the endpoint is down for about {self.downtime_minutes} min",
            "rolling": "one replica at a time stops, the others answer",
            "surge": "a new pod is ready before an old one stops, so there is no downtime",
            "blueGreen": "a second generation is verified and measured before the endpoint moves to it, so there is no "
            "downtime (0 min)",
        }
        told = f"rollout of {name}: {self.strategy} ({self.reason}); during an update {known[self.strategy]}"
        if self.beside is None:
            return told
        return f"{told}; now: {generation_name(name, self.slot)} beside {self.beside}, which serves until then"


def choose_rollout(
    mode: RolloutMode, *, replicas: int, room: int | None, one_node: bool, start_s: int, drain_s: int
) -> RolloutPlan:
    """The strategy.

    Args:
        mode: the stack file's ``server.rollout``.
        replicas: copies that the stack wants.
        room: further copies that fit beside those now; None where it is not known, which counts as none.
        one_node: whether the weights' claim serves one node at a time: a pod beside the old one may never start.
        start_s: expected start of a pod [s].
        drain_s: longest drain of a pod [s].
    """
    downtime = ceil((start_s + drain_s) / 60)
    has_room = bool(room)
    told = f"{room} more cop{'y fits' if room == 1 else 'ies fit'} beside it" if has_room else "no further copy fits"
    if room is None:
        told = "what else runs on the nodes could not be read"
    if mode != "auto":
        is_kept_up = mode in {"surge", "blueGreen"} or (mode == "rolling" and replicas > 1)
        return RolloutPlan(mode, f"as qwen-infra:server.rollout says; {told}", 0 if is_kept_up else downtime)
    if one_node:
        return RolloutPlan("recreate", "its ReadWriteOnce claim serves one node at a time", downtime)
    if has_room:
        return RolloutPlan("surge", told, 0)
    return RolloutPlan("rolling" if replicas > 1 else "recreate", told, downtime)
