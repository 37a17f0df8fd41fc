"""Asking a registry which image a tag names: manifests, image indexes and bearer tokens.

Source: OCI distribution specification 1.1 ("Pulling manifests"), OCI image specification (image index), and the
distribution project's token authentication ("WWW-Authenticate: Bearer realm=…").
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Any

import httpx

from qwen_infra.errors import CheckFailedError, EnvironmentMissingError
from qwen_infra.registry.reference import ImageReference

__all__ = ["ResolvedImage", "resolve_image"]

INDEX_TYPES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
IMAGE_TYPES = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
TIMEOUT_S = 30.0
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_LOCAL = re.compile(r"(localhost|127\.[0-9.]+|\[::1\])(:\d+)?")


@dataclass(frozen=True)
class ResolvedImage:
    """What a tag names now: the digest of the index, or of the single image, and the processors that it is for."""

    digest: str
    architectures: tuple[str, ...]


def resolve_image(image: ImageReference, *, credentials: tuple[str, str] | None = None) -> ResolvedImage:
    """The digest and the architectures behind a reference.

    Args:
        image: by tag or digest; ``latest`` where it has neither.
        credentials: user and password (or token) for a registry that does not answer everybody.

    Raises:
        CheckFailedError: there is no such image, or what came is not what its digest says.
        EnvironmentMissingError: the registry cannot be reached, or refuses these credentials.
    """
    scheme = "http" if _LOCAL.fullmatch(image.registry) else "https"
    with httpx.Client(base_url=f"{scheme}://{image.registry}", timeout=TIMEOUT_S, follow_redirects=True) as http:
        registry = _Registry(http, image, credentials)
        try:
            return registry.resolve()
        except (httpx.HTTPError, ValueError) as error:
            reason = str(error)
        except (KeyError, TypeError, AttributeError) as error:  # JSON, of another form than the specification's
            reason = f"it is no manifest of an image ({type(error).__name__}: {error})"
        raise EnvironmentMissingError(
            f"the registry gave no usable answer: {reason}", where=image.registry, mend="look at network and proxy"
        )


class _Registry:
    """One question to one registry; remembers its token."""

    def __init__(self, http: httpx.Client, image: ImageReference, credentials: tuple[str, str] | None) -> None:
        self._http = http
        self._image = image
        self._credentials = credentials
        self._headers: dict[str, str] = {}

    def resolve(self) -> ResolvedImage:
        wanted = self._image.digest or self._image.tag or "latest"
        answer = self._get(f"/v2/{self._image.repository}/manifests/{wanted}")
        digest = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
        told = self._image.digest or answer.headers.get("Docker-Content-Digest", digest)
        if told != digest:
            raise CheckFailedError(
                "the registry sent other bytes than the digest says",
                where=self._image.name,
                found=digest,
                expected=told,
                mend="ask again; where it stays so, something between here and the registry changes bytes",
            )
        document = answer.json()
        return ResolvedImage(digest, self._read_architectures(document))

    def _read_architectures(self, document: dict[str, Any]) -> tuple[str, ...]:
        if "manifests" in document:
            platforms = [item.get("platform", {}) for item in document["manifests"]]
            return tuple(sorted({item["architecture"] for item in platforms if item.get("os") == "linux"}))
        config = self._get(f"/v2/{self._image.repository}/blobs/{document['config']['digest']}").json()
        return (str(config["architecture"]),)

    def _get(self, path: str) -> httpx.Response:
        headers = {"Accept": ", ".join(INDEX_TYPES + IMAGE_TYPES)}
        answer = self._http.get(path, headers=headers | self._headers)
        if answer.status_code == httpx.codes.UNAUTHORIZED and not self._headers:
            self._headers = {"Authorization": self._authorize(answer.headers.get("WWW-Authenticate", ""))}
            answer = self._http.get(path, headers=headers | self._headers)
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise EnvironmentMissingError(
                "the registry refuses these credentials, or the repository does not exist",
                where=f"{self._image.registry}/{self._image.repository}",
                found=f"HTTP {answer.status_code}",
                mend="set REGISTRY_USER and REGISTRY_PASSWORD to an account that may pull it",
            )
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise CheckFailedError(
                "there is no such image",
                where=self._image.registry,
                found=f"{self._image.repository}:{self._image.tag or self._image.digest or 'latest'}",
                mend="look at the registry's page of the repository for the tags that exist",
            )
        return answer.raise_for_status()

    def _authorize(self, challenge: str) -> str:
        """The Authorization header for a challenge: a token of its realm, or the credentials themselves."""
        kind = challenge.partition(" ")[0].lower()
        if kind == "basic" and self._credentials:
            return _basic(self._credentials)
        parameters = dict(_PARAMETER.findall(challenge))
        if kind != "bearer" or "realm" not in parameters:
            return ""
        query = {"service": parameters.get("service", ""), "scope": f"repository:{self._image.repository}:pull"}
        auth = httpx.BasicAuth(*self._credentials) if self._credentials else None
        answer = self._http.get(parameters["realm"], params=query, auth=auth)
        if answer.is_error:
            return ""
        document = answer.json()
        return f"Bearer {document.get('token') or document['access_token']}"


def _basic(credentials: tuple[str, str]) -> str:
    request = httpx.Request("GET", "http://registry")
    return next(httpx.BasicAuth(*credentials).auth_flow(request)).headers["Authorization"]
