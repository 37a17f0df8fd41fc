"""How an update replaces the server's pods, chosen by what the cluster can hold beside them."""

from dataclasses import dataclass
from math import ceil
from typing import Any, Literal

__all__ = ["RolloutMode", "RolloutPlan", "choose_rollout"]

RolloutMode = Literal["auto", "recreate", "rolling", "surge"]


@dataclass(frozen=True)
class RolloutPlan:
    """The Deployment's strategy, why it was chosen, and the expected downtime of an update [min]."""

    strategy: Literal["recreate", "rolling", "surge"] = "recreate"
    reason: str = "the new pod needs the GPUs of the old one"
    downtime_minutes: int = 0

    def to_manifest(self) -> dict[str, Any]:
        """``spec.strategy`` of the Deployment."""
        if self.strategy == "recreate":
            return {"type": "Recreate"}
        surge, unavailable = (1, 0) if self.strategy == "surge" else (0, 1)
        return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}

    def describe(self, name: str) -> str:
        """One line for previews."""
        known = {
            "recreate": f"the endpoint is down for about {self.downtime_minutes} min",
            "rolling": "one replica at a time stops, the others answer",
            "surge": "a new pod is ready before an old one stops, so there is no downtime",
        }
        return f"rollout of {name}: {self.strategy} ({self.reason}); during an update {known[self.strategy]}"


def choose_rollout(mode: RolloutMode, *, replicas: int, room: int | None, start_s: int, drain_s: int) -> RolloutPlan:
    """The strategy.

    Args:
        mode: the stack file's ``server.rollout``.
        replicas: copies that the stack wants.
        room: further copies that fit beside those now; None where it is not known, which counts as none.
        start_s: expected start of a pod [s].
        drain_s: longest drain of a pod [s].
    """
    downtime = ceil((start_s + drain_s) / 60)
    has_room = bool(room)
    told = f"{room} more cop{'y fits' if room == 1 else 'ies fit'} beside it" if has_room else "no further copy fits"
    if room is None:
        told = "what else runs on the nodes could not be read"
    if mode != "auto":
        return RolloutPlan(mode, "as qwen-infra:server.rollout says", downtime)
    if has_room:
        return RolloutPlan("surge", told, 0)
    return RolloutPlan("rolling" if replicas > 1 else "recreate", told, downtime)
