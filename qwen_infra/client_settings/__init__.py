"""Ready-to-use settings of the programs that talk to an endpoint; pure text from what a plan says.

No key is in them unless it was asked for: each names the environment variable, or the command, that has it.
"""

from qwen_infra.client_settings.registry import CLIENTS, build_client_settings
from qwen_infra.client_settings.served import (
    KEY_VARIABLE,
    ApiKey,
    ClientSettings,
    ServedModel,
    SettingsFile,
    serve_plan,
)

__all__ = [
    "CLIENTS",
    "KEY_VARIABLE",
    "ApiKey",
    "ClientSettings",
    "ServedModel",
    "SettingsFile",
    "build_client_settings",
    "serve_plan",
]
