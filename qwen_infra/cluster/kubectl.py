"""One kubectl call: the arguments that reach the right cluster, a deadline, and errors that say what to do.

What the answers mean belongs to the callers.
"""

import json
import subprocess
from dataclasses import dataclass
from typing import Any

from qwen_infra.errors import EnvironmentMissingError, QwenInfraError

__all__ = [
    "ClusterAccess",
    "ClusterUnreachableError",
    "Kubectl",
    "KubectlError",
    "ObjectNotFoundError",
    "explain_missing_program",
]

REQUEST_TIMEOUT_S = 15
START_S = 30
"""Beside the request, for the program to start and to end: seconds on a machine that is busy with other things."""
_SIGNS_OF_SILENCE = (
    "connection refused", "was refused", "dial tcp", "no such host", "unable to connect", "timeout", "timed out",
    "deadline exceeded", "tls:", "x509", "eof", "server api group list", "no route to host", "network is unreachable",
    "no configuration has been provided", "invalid configuration", "connection reset", "no message",
)  # fmt: skip
"""Of kubectl's complaints about a server that it does not get to; all others are answers."""


class KubectlError(EnvironmentMissingError):
    """kubectl could not do what was asked: no cluster, no permission, no such context."""


class ObjectNotFoundError(KubectlError):
    """The API server answers, and has no such object."""


class ClusterUnreachableError(KubectlError):
    """The API server does not answer, which may pass by itself."""


def explain_missing_program() -> KubectlError:
    """The error of a machine without kubectl."""
    return KubectlError(
        "kubectl is not on PATH",
        expected="kubectl 1.35 or newer",
        mend="install kubectl, or build it with `python -m qwen_infra.toolchain kubectl`",
    )


def _is_refusal(complaint: str) -> bool:
    return any(
        sign in complaint for sign in ("error from server", "is invalid", "error validating", "unable to recognize")
    )


@dataclass(frozen=True)
class ClusterAccess:
    """How to reach one cluster; ``None`` means kubectl's own default (``$KUBECONFIG``, the current context)."""

    kubeconfig: str | None = None
    context: str | None = None

    def arguments(self) -> list[str]:
        given = (("--kubeconfig", self.kubeconfig), ("--context", self.context))
        return [f"{flag}={value}" for flag, value in given if value]


@dataclass(frozen=True)
class Kubectl:
    """kubectl bound to one cluster."""

    access: ClusterAccess = ClusterAccess()
    program: str = "kubectl"

    def command(self, *arguments: str) -> list[str]:
        return [self.program, *self.access.arguments(), *arguments]

    def run(self, *arguments: str, stdin: str | None = None, timeout_s: float = REQUEST_TIMEOUT_S) -> str:
        """Standard output of ``kubectl ARGUMENTS``.

        Raises:
            ObjectNotFoundError: the API server has no such object.
            ClusterUnreachableError: it does not answer.
            KubectlError: anything else that went wrong, with the command that mends it.
        """
        command = self.command(f"--request-timeout={timeout_s:.0f}s", *arguments)
        try:
            done = subprocess.run(
                command,
                input=stdin,
                capture_output=True,
                encoding="utf-8",
                errors="replace",  # a log holds whatever its program wrote
                timeout=timeout_s + START_S,
                check=False,
            )
        except FileNotFoundError:
            raise explain_missing_program() from None
        except subprocess.TimeoutExpired:
            raise self._unreachable(f"no answer within {timeout_s + START_S:.0f} s") from None
        if done.returncode != 0:
            raise self._explain(done.stderr.strip() or done.stdout.strip(), arguments)
        return done.stdout

    def get(self, *arguments: str, timeout_s: float = REQUEST_TIMEOUT_S) -> dict[str, Any]:
        """The JSON that ``kubectl get ARGUMENTS`` answers; empty where it says nothing (``--ignore-not-found``)."""
        return self.read("get", *arguments, "--output=json", timeout_s=timeout_s)

    def read(self, *arguments: str, stdin: str | None = None, timeout_s: float = REQUEST_TIMEOUT_S) -> dict[str, Any]:
        """The JSON object that ``kubectl ARGUMENTS`` prints; empty where it prints nothing.

        Raises:
            KubectlError: as ``run``, and where something else is printed: by a wrapper, or by a proxy's page.
        """
        printed = self.run(*arguments, stdin=stdin, timeout_s=timeout_s)
        try:
            answer = json.loads(printed) if printed.strip() else {}
        except ValueError:
            raise KubectlError(
                "kubectl printed something that is not JSON",
                where=self._place(),
                found=repr(printed.strip()[:80]),
                mend=f"look at what `{' '.join(self.command(*arguments))}` prints before or instead of it",
            ) from None
        return answer if isinstance(answer, dict) else {}

    def items(self, *arguments: str) -> list[dict[str, Any]]:
        """The objects of a list that ``kubectl get ARGUMENTS`` answers."""
        items = self.get(*arguments).get("items", [])
        return items if isinstance(items, list) else []

    def _explain(self, complaint: str, arguments: tuple[str, ...]) -> QwenInfraError:
        last = complaint.splitlines()[-1] if complaint else "no message"
        lowered = complaint.lower()
        if "notfound" in lowered.replace(" ", "") and "error from server" in lowered:
            missing = last.removeprefix("Error from server (NotFound): ")
            return ObjectNotFoundError(missing, where=self._place(), mend="create it, or let `pulumi up` do so")
        if "forbidden" in lowered:
            return KubectlError(
                f"the cluster refuses it: {last.removeprefix('Error from server (Forbidden): ')}",
                where=self._place(),
                mend=f"ask for that permission, then try `{' '.join(self.command(*arguments))}`",
            )
        if "unauthorized" in lowered or "must be logged in" in lowered or "provide credentials" in lowered:
            return KubectlError(
                "the cluster does not accept these credentials (expired, or of another cluster)",
                where=self._place(),
                mend=f"log in again, then try `{' '.join(self.command('auth', 'whoami'))}`",
            )
        return self._explain_configuration(last, lowered)

    def _explain_configuration(self, last: str, lowered: str) -> QwenInfraError:
        if "context" in lowered and ("does not exist" in lowered or "was not found" in lowered):
            return KubectlError(
                "the kubeconfig has no such context",
                where="qwen-infra:cluster.context",
                found=self.access.context,
                expected=f"one of: {', '.join(self._contexts()) or 'none is defined'}",
                mend="pulumi config set --path 'qwen-infra:cluster.context' <context>",
            )
        if "no such file" in lowered and self.access.kubeconfig:
            return KubectlError(
                "the kubeconfig file does not exist",
                where="qwen-infra:cluster.kubeconfig",
                found=self.access.kubeconfig,
                mend="pulumi config set --path 'qwen-infra:cluster.kubeconfig' <file>",
            )
        reason = last.removeprefix("error: ")
        if not lowered or any(sign in lowered for sign in _SIGNS_OF_SILENCE):
            return self._unreachable(reason)
        what = "the cluster answers and refuses the request" if _is_refusal(lowered) else "kubectl could not do it"
        return KubectlError(
            f"{what}: {reason}", where=self._place(), mend="qwen-infra doctor tells what the cluster lacks"
        )

    def _unreachable(self, reason: str) -> ClusterUnreachableError:
        return ClusterUnreachableError(
            "the cluster cannot be reached",
            where=self._place(),
            found=reason,
            mend=f"`{' '.join(self.command('cluster-info'))}` must answer first: start the cluster or the VPN, "
            "or choose another kubeconfig (KUBECONFIG, qwen-infra:cluster.kubeconfig) or context "
            "(qwen-infra:cluster.context)",
        )

    def _place(self) -> str:
        return f"cluster (context {self.access.context or 'current'})"

    def _contexts(self) -> list[str]:
        command = [self.program, *ClusterAccess(self.access.kubeconfig).arguments(), "config", "get-contexts", "-oname"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
        except subprocess.TimeoutExpired:
            return []
        return done.stdout.split()
