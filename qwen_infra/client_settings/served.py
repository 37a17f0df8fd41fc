"""What a client needs to know of a served model, and what settings for it are made of."""

import shlex
from dataclasses import dataclass

from qwen_infra.cluster import ClusterAccess, Kubectl
from qwen_infra.planning import DeploymentPlan

__all__ = ["KEY_VARIABLE", "ApiKey", "ClientSettings", "ServedModel", "SettingsFile", "serve_plan"]

KEY_VARIABLE = "VLLM_API_KEY"
"""Environment variable that settings name, and that ``verify``, ``bench`` and ``chat`` read too."""


@dataclass(frozen=True)
class ApiKey:
    """Where the key is. ``command`` prints it; ``value`` is the key itself, only when it was asked for."""

    variable: str = KEY_VARIABLE
    command: str | None = None
    value: str | None = None


@dataclass(frozen=True)
class ServedModel:
    """One model as its clients see it.

    Args:
        name: what clients ask for (``--served-model-name``).
        url: base URL without ``/v1``.
        context_tokens: longest prompt plus answer.
        key: where its API key is.
    """

    name: str
    url: str
    context_tokens: int
    key: ApiKey
    thinks: bool = True
    calls_tools: bool = True

    @property
    def longest_answer_tokens(self) -> int:
        """Tokens that a client may ask for in one answer and still have three quarters of the context for the prompt.

        32768 is what the model cards recommend for most questions (facts of Qwen3.5: "output length").
        """
        return min(32768, self.context_tokens // 4)


@dataclass(frozen=True)
class SettingsFile:
    """A file for a client: where it belongs on the user's machine, and its text."""

    path: str
    text: str
    holds_key: bool = False


@dataclass(frozen=True)
class ClientSettings:
    """Files, and what one has to know or run besides; one sentence a note."""

    files: tuple[SettingsFile, ...]
    notes: tuple[str, ...] = ()


def serve_plan(plan: DeploymentPlan, url: str, *, variable: str, value: str | None = None) -> ServedModel:
    """The model of a plan at ``url``.

    Args:
        plan: what is deployed.
        url: base URL, with or without a slash at its end.
        variable: environment variable that will hold its key.
        value: the key itself, where the settings shall hold it.
    """
    secret, arguments = plan.endpoint.key_secret, plan.server.arguments
    kubectl = Kubectl(ClusterAccess(plan.cluster.kubeconfig, plan.cluster.context))
    path = "{.data." + secret.key.replace(".", "\\.") + "}"
    read = kubectl.command(
        "--namespace", plan.cluster.namespace, "get", "secret", secret.secret_name, f"--output=jsonpath={path}"
    )
    return ServedModel(
        name=arguments.served_model_name,
        url=url.rstrip("/"),
        context_tokens=arguments.max_model_len,
        key=ApiKey(variable, f"{shlex.join(read)} | base64 --decode", value),
        thinks=arguments.reasoning_parser is not None,
        calls_tools=arguments.tool_call_parser is not None,
    )
