"""How long a start may take: one number, the start-up budget, and every timeout that follows from it.

Not here: how the budget comes about (``qwen_infra.sizing.startup``).
"""

from dataclasses import dataclass

from qwen_infra.settings import StackSettings
from qwen_infra.sizing import CacheKind, Fit, StartupBudget

__all__ = ["StartTimeouts", "plan_start_timeouts"]

_CACHE_KINDS: dict[str, CacheKind] = {"pvc": "pvc", "existingClaim": "existingClaim"}
"""Everything else is read from the node's own disk."""


@dataclass(frozen=True)
class StartTimeouts:
    """The budget and what follows from it.

    Args:
        budget: the parts, for the kind of cache and its reading speed.
        container_s: from the container's start to Ready: the startup probe, ``VLLM_ENGINE_READY_TIMEOUT_S``.
        rollout_s: with the image's pull before it: ``progressDeadlineSeconds``, the wait of ``ServerReadiness``.
    """

    budget: StartupBudget
    container_s: int
    rollout_s: int


def plan_start_timeouts(settings: StackSettings, fit: Fit) -> StartTimeouts:
    """The timeouts of a deployment; ``server.readyTimeoutSeconds`` is the whole wait where it is given."""
    kind = _CACHE_KINDS.get(settings.cache.kind, "hostPath")
    speed = settings.cache.read_gigabytes_per_second
    budget = fit.startup(kind, None if speed is None else speed * 1e9)
    given = settings.server.ready_timeout_seconds
    if given is not None:
        return StartTimeouts(budget, given, given)
    return StartTimeouts(budget, budget.total_s, budget.rollout_timeout_s)
