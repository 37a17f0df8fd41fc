"""The API server of a local cluster, spoken to over HTTPS with the certificates that kwokctl made.

Only what a node does: read, create, patch, delete. A user's cluster is reached through kubectl instead
(``qwen_infra.cluster``); here the credentials are files of ours, and a call costs a few milliseconds.
"""

import ssl
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from qwen_infra.errors import EnvironmentMissingError

__all__ = ["ApiError", "ApiUnreachableError", "KubernetesApi"]

_CONFLICT, _NOT_FOUND = 409, 404


class ApiError(EnvironmentMissingError):
    """The API server refused a request."""


class ApiUnreachableError(EnvironmentMissingError):
    """The API server of the local cluster does not answer."""


class KubernetesApi:
    """A client for one local cluster; paths are API paths such as ``/api/v1/pods``."""

    def __init__(self, port: int, pki_folder: Path, *, timeout_s: float = 10) -> None:
        try:
            context = ssl.create_default_context(cafile=str(pki_folder / "ca.crt"))
            context.load_cert_chain(str(pki_folder / "admin.crt"), str(pki_folder / "admin.key"))
        except (OSError, ssl.SSLError) as error:
            raise ApiUnreachableError(
                "the local cluster's certificates cannot be read",
                where=str(pki_folder),
                found=str(error),
                mend="qwen-infra local down, then qwen-infra local up",
            ) from error
        self._client = httpx.Client(
            base_url=f"https://127.0.0.1:{port}", verify=context, timeout=timeout_s, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def is_ready(self) -> bool:
        """Whether the API server says that it is ready."""
        try:
            return self._client.get("/readyz").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def read(self, path: str) -> dict[str, Any] | None:
        """One object or list; None when there is no such object."""
        answer = self._send("GET", path)
        if answer.status_code == _NOT_FOUND:
            return None
        return self._body(answer, path)

    def list(self, path: str) -> list[dict[str, Any]]:
        """The items of a list; none when the kind itself is unknown."""
        found = self.read(path)
        return list(found["items"]) if found else []

    def create(self, path: str, body: dict[str, Any]) -> bool:
        """Create an object in the collection ``path``; False when it exists already."""
        answer = self._send("POST", path, json=body)
        if answer.status_code == _CONFLICT:
            return False
        self._body(answer, path)
        return True

    def merge(self, path: str, patch: dict[str, Any]) -> bool:
        """JSON merge patch; False when the object is gone."""
        answer = self._send("PATCH", path, json=patch, headers={"content-type": "application/merge-patch+json"})
        if answer.status_code == _NOT_FOUND:
            return False
        self._body(answer, path)
        return True

    def delete(self, path: str) -> bool:
        """Delete an object; False when it was gone already."""
        answer = self._send("DELETE", path)
        if answer.status_code == _NOT_FOUND:
            return False
        self._body(answer, path)
        return True

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            raise ApiUnreachableError(
                "the API server of the local cluster does not answer",
                where=str(self._client.base_url),
                found=str(error) or type(error).__name__,
                mend="qwen-infra local status, then qwen-infra local up",
            ) from error

    def _body(self, answer: httpx.Response, path: str) -> dict[str, Any]:
        if answer.is_success:
            body: dict[str, Any] = answer.json()
            return body
        raise ApiError(
            f"HTTP {answer.status_code}: {_message(answer)}", where=path, mend="qwen-infra local status shows its state"
        )


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("message", answer.text))
    except ValueError:
        return answer.text
