"""The stack file as types: every key, its meaning, its default; one module a top-level key.

What a combination of keys means for a deployment is decided in ``qwen_infra.planning``; here a key is only known, typed
and within bounds.
"""

from pydantic import Field

from qwen_infra.settings.base import Settings
from qwen_infra.settings.benchmark import BenchmarkSettings
from qwen_infra.settings.cache import CacheSettings
from qwen_infra.settings.cluster import ClusterSettings
from qwen_infra.settings.endpoint import EndpointSettings
from qwen_infra.settings.environment import Environment
from qwen_infra.settings.model import ModelSettings
from qwen_infra.settings.operations import OperationsSettings
from qwen_infra.settings.policy import PolicySettings
from qwen_infra.settings.server import ServerSettings
from qwen_infra.settings.verification import VerificationSettings

__all__ = ["StackSettings"]


class StackSettings(Settings):
    """One deployment: everything under ``qwen-infra:``, or of one of its ``models`` with what these share."""

    environment: Environment | None = Field(None, description="Profile of defaults: dev, staging or prod.")
    cluster: ClusterSettings
    model: ModelSettings
    cache: CacheSettings = Field(default_factory=lambda: CacheSettings())
    server: ServerSettings
    endpoint: EndpointSettings = Field(default_factory=lambda: EndpointSettings())
    verification: VerificationSettings = Field(default_factory=lambda: VerificationSettings())
    benchmark: BenchmarkSettings = Field(default_factory=lambda: BenchmarkSettings())
    operations: OperationsSettings = Field(default_factory=lambda: OperationsSettings())
    policy: PolicySettings = Field(default_factory=lambda: PolicySettings())
