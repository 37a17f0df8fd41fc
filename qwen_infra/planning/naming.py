"""The server's name, from which every other name derives; short, because Kubernetes adds to it."""

import re

from qwen_infra.errors import ConfigurationError

__all__ = ["LONGEST_SERVER_NAME", "check_service_name", "decide_server_name"]

LONGEST_SERVER_NAME = 39
"""A CronJob's name has at most 52 characters (Kubernetes' validation of batch/v1, since its Jobs get 11 more), and ours
ends in ``-verification``. Of the 63 of other names the longest that we add is ``-download-`` with 8 digits; a
generation adds 6, LeaderWorkerSet and its StatefulSets 17 more for their labels."""
RESERVED_SERVICE_NAMES = frozenset({"vllm"})
"""Kubernetes sets VLLM_PORT for a Service of that name, which vLLM takes for a setting of its own."""


def decide_server_name(model_name: str) -> str:
    """``Qwen3.5-397B-A17B`` becomes ``vllm-qwen35-397b``: the reference's own short form.

    Raises:
        ConfigurationError: the model's name is too long to derive one.
    """
    short = re.sub(r"-a[0-9.]+b$", "", model_name.lower())
    name = f"vllm-{re.sub(r'[^a-z0-9-]', '', short)}".strip("-")
    if len(name) > LONGEST_SERVER_NAME:
        raise ConfigurationError(
            "the name that follows from the model's is too long for Kubernetes' labels",
            where="qwen-infra:server.name",
            found=f"{name} ({len(name)} characters)",
            expected=f"at most {LONGEST_SERVER_NAME}",
            mend=f"pulumi config set --path 'qwen-infra:server.name' {name[:LONGEST_SERVER_NAME].strip('-')}",
        )
    return name


def check_service_name(service_name: str, server_name: str) -> None:
    """Refuse a name that breaks the server.

    Raises:
        ConfigurationError: the name is reserved.
    """
    if service_name in RESERVED_SERVICE_NAMES:
        raise ConfigurationError(
            "a Service of this name breaks the server through the VLLM_PORT variable",
            where="qwen-infra:endpoint.serviceName",
            found=service_name,
            mend=f"pulumi config set --path 'qwen-infra:endpoint.serviceName' {server_name}-service",
        )
