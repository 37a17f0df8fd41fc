"""The probes of the server's container, all from the start-up budget and vLLM's ``/health``."""

import math
from typing import Any

__all__ = ["build_probes"]

STARTUP_PERIOD_S = 10


def build_probes(start_timeout_s: int) -> dict[str, Any]:
    """Startup as long as the budget, readiness quick, liveness slow to kill: /health is 503 when the engine is dead."""
    health = {"httpGet": {"path": "/health", "port": "http"}}
    attempts = math.ceil(start_timeout_s / STARTUP_PERIOD_S)
    return {
        "startupProbe": {
            **health,
            "periodSeconds": STARTUP_PERIOD_S,
            "timeoutSeconds": 5,
            "failureThreshold": attempts,
        },
        "readinessProbe": {**health, "periodSeconds": 5, "timeoutSeconds": 5, "failureThreshold": 3},
        "livenessProbe": {**health, "periodSeconds": 30, "timeoutSeconds": 10, "failureThreshold": 6},
    }
