"""The stack file: typed, validated, with errors that name the key and the command that mends it."""

from qwen_infra.settings.base import SecretKeySettings, Settings
from qwen_infra.settings.benchmark import BenchmarkSettings, JobSettings, RegressionSettings, SloSettings
from qwen_infra.settings.cache import CacheSettings, CertificateSettings, DownloadResources, ProxySettings
from qwen_infra.settings.cluster import ClusterSettings
from qwen_infra.settings.endpoint import (
    AccessRule,
    ApiKeySecret,
    ApiKeySettings,
    AutoscalingSettings,
    EndpointSettings,
    InferencePoolSettings,
    MonitoringSettings,
    RouteSettings,
)
from qwen_infra.settings.environment import ENVIRONMENTS
from qwen_infra.settings.features import FeatureSettings, SamplingSettings
from qwen_infra.settings.loading import (
    NAMESPACE,
    load_deployments,
    load_settings,
    load_stack_deployments,
    load_stack_file,
    locate_key,
    read_stack_config,
)
from qwen_infra.settings.model import ModelSettings
from qwen_infra.settings.operations import OperationsSettings
from qwen_infra.settings.pod import PodSettings, TolerationSettings
from qwen_infra.settings.policy import PolicySettings
from qwen_infra.settings.reference import render_stack_file_page
from qwen_infra.settings.schema import SCHEMA_FILE, stack_file_schema
from qwen_infra.settings.server import ResourceSettings, ServerSettings
from qwen_infra.settings.stack import StackSettings
from qwen_infra.settings.verification import ScheduleSettings, VerificationSettings

__all__ = [
    "ENVIRONMENTS",
    "NAMESPACE",
    "SCHEMA_FILE",
    "AccessRule",
    "ApiKeySecret",
    "ApiKeySettings",
    "AutoscalingSettings",
    "BenchmarkSettings",
    "CacheSettings",
    "CertificateSettings",
    "ClusterSettings",
    "DownloadResources",
    "EndpointSettings",
    "FeatureSettings",
    "InferencePoolSettings",
    "JobSettings",
    "ModelSettings",
    "MonitoringSettings",
    "OperationsSettings",
    "PodSettings",
    "PolicySettings",
    "ProxySettings",
    "RegressionSettings",
    "ResourceSettings",
    "RouteSettings",
    "SamplingSettings",
    "ScheduleSettings",
    "SecretKeySettings",
    "ServerSettings",
    "Settings",
    "SloSettings",
    "StackSettings",
    "TolerationSettings",
    "VerificationSettings",
    "load_deployments",
    "load_settings",
    "load_stack_deployments",
    "load_stack_file",
    "locate_key",
    "read_stack_config",
    "render_stack_file_page",
    "stack_file_schema",
]
