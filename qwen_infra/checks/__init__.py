"""The checks that gate a deployment, as Pulumi dynamic providers; thin, the work is in verification and benchmark.

The provider classes are stored in every stack's state by module and class name: moving or renaming one breaks it.
"""

from qwen_infra.checks.benchmark import BenchmarkCheck, BenchmarkProvider
from qwen_infra.checks.provider import Check, require_passed
from qwen_infra.checks.readiness import ServerReadiness, ServerReadinessProvider
from qwen_infra.checks.target import CheckTarget
from qwen_infra.checks.verification import VerificationCheck, VerificationProvider
from qwen_infra.checks.weights import WeightsReadiness, WeightsReadinessProvider

__all__ = [
    "BenchmarkCheck",
    "BenchmarkProvider",
    "Check",
    "CheckTarget",
    "ServerReadiness",
    "ServerReadinessProvider",
    "VerificationCheck",
    "VerificationProvider",
    "WeightsReadiness",
    "WeightsReadinessProvider",
    "require_passed",
]
