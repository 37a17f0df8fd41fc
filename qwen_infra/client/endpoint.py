"""Where a model server is, how to speak to it, and how long to wait; plain values.

No connection is made here (see :mod:`qwen_infra.client.http`), and no key is looked up (see ``checks``).
"""

import math
import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import httpx

from qwen_infra.errors import ConfigurationError

__all__ = ["Deadlines", "Endpoint", "build_tls"]


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds to wait in each phase of a request; every one of them always applies.

    Args:
        connect_s: until the connection stands (TLS included), each time that it is tried.
        connect_attempts: how often it is tried, as long as the other deadlines leave time for all of ``connect_s``.
        first_byte_s: from sending until the first piece of the answer (an event, when streamed).
        between_chunks_s: between two events of a stream.
        total_s: from sending to the end of the answer.
    """

    connect_s: float = 5.0
    connect_attempts: int = 3
    first_byte_s: float = 60.0
    between_chunks_s: float = 30.0
    total_s: float = 120.0

    @property
    def affordable_attempts(self) -> int:
        """Attempts to connect that end before the first byte is due, so that the error names the connection."""
        within_s = min(self.first_byte_s, self.total_s)
        return max(1, min(self.connect_attempts, math.ceil(within_s / self.connect_s) - 1))

    @classmethod
    def for_whole_answer(cls, total_s: float) -> Self:
        """Deadlines for an answer that is not streamed: its first byte comes when all of it is ready."""
        return cls(first_byte_s=total_s, between_chunks_s=total_s, total_s=total_s)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible server and the model that it is asked for.

    Args:
        url: ``http://host:port``, with or without ``/v1`` or a slash at its end; stored without.
        model: the served name, sent as ``model`` with each request.
        api_key: sent as a bearer token; never shown by ``repr``.
        verify_tls: whether the certificate of an ``https`` URL is checked.
        ca_file: PEM file of the authorities to trust instead of the system's.

    Raises:
        ConfigurationError: the URL, the key or the CA file cannot be used.
    """

    url: str
    model: str
    api_key: str | None = field(default=None, repr=False)
    verify_tls: bool = True
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", _normalize_url(self.url))
        _check_key(self.api_key)
        if self.ca_file is not None and not self.ca_file.is_file():
            raise ConfigurationError(
                "the CA file does not exist", found=self.ca_file, mend="name a PEM file that is there"
            )

    @property
    def is_loopback(self) -> bool:
        """Whether the URL points at this machine (a port-forward, a local server)."""
        return urlsplit(self.url).hostname in {"localhost", "127.0.0.1", "::1"}


def _normalize_url(url: str) -> str:
    expected = "a URL such as http://127.0.0.1:8000"
    try:
        parts = urlsplit(url)
        port = parts.port
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL) as error:
        raise ConfigurationError(
            f"the URL cannot be read: {error}", expected=expected, mend="--url http://127.0.0.1:8000"
        ) from error
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(
            "the URL contains credentials",
            expected=f"{expected}, and the key given apart",
            mend="put the key into the variable VLLM_API_KEY",
        )
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or not host or " " in host or port == 0:
        raise ConfigurationError(
            "the URL cannot be used", found=repr(url), expected=expected, mend="--url http://127.0.0.1:8000"
        )
    if parts.query or parts.fragment:
        raise ConfigurationError(
            "the URL has a query or fragment",
            found=repr(url),
            expected=expected,
            mend="--url with scheme, host and port only",
        )
    return url.rstrip("/").removesuffix("/v1").rstrip("/")


def _check_key(api_key: str | None) -> None:
    if api_key is None:
        return
    if not api_key:
        raise ConfigurationError(
            "the API key is empty", expected="a key, or none at all", mend="leave it out where the server asks for none"
        )
    if not api_key.isascii() or not api_key.isprintable() or " " in api_key:
        raise ConfigurationError(
            "the API key has a space, a line end or a character that no HTTP header can carry",
            mend="create the Secret again from a value without a line end (printf instead of echo)",
        )


def _name_ca_file() -> Path | None:
    """The file that ``SSL_CERT_FILE`` names, as curl and OpenSSL take it; None where there is none."""
    named = os.environ.get("SSL_CERT_FILE")
    if not named:
        return None
    if not Path(named).is_file():
        raise ConfigurationError(
            "the CA file does not exist",
            where="SSL_CERT_FILE",
            found=named,
            mend="name a PEM file, or: unset SSL_CERT_FILE",
        )
    return Path(named)


def build_tls(endpoint: Endpoint) -> ssl.SSLContext | bool:
    """How the certificate of an ``https`` URL is checked: True by the usual authorities, False not at all.

    The endpoint's own CA file goes before the one that ``SSL_CERT_FILE`` names.

    Raises:
        ConfigurationError: the CA file cannot be read, or holds no certificate.
    """
    if not endpoint.verify_tls or endpoint.url.startswith("http://"):
        return False  # for plain HTTP too: reading the authorities takes longer than a request
    ca_file = endpoint.ca_file or _name_ca_file()
    if ca_file is not None:
        try:
            return ssl.create_default_context(cafile=str(ca_file))
        except ssl.SSLError as error:  # an OSError too
            raise ConfigurationError(
                "the CA file holds no certificate in PEM form",
                found=ca_file,
                mend="openssl x509 -inform der -in FILE -out ca.pem makes PEM of a binary certificate",
            ) from error
        except OSError as error:
            raise ConfigurationError(
                f"the CA file cannot be read: {error.strerror or error}", found=ca_file, mend=f"chmod a+r {ca_file}"
            ) from error
    return True
