"""One GET of the rest of a file, over the standard library: proxies, certificates, redirects, and nothing cached.

``huggingface_hub`` cannot do this: its transfer starts anew after a restart, and its HTTP client differs by version.
"""

import base64
import http.client
import os
import ssl
import urllib.request
from collections.abc import Mapping
from functools import cache
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from qwen_infra.download.exits import DownloadError, Exit
from qwen_infra.download.retrying import TransientError, parse_retry_after

__all__ = ["ByteStream", "open_stream", "use_certificates_of_environment"]

_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 8
_CONNECT_TIMEOUT_S = 30.0
_CREDENTIALS = frozenset({"authorization", "cookie"})


class ByteStream:
    """The body of an answer: where it starts, how long the whole file is for the server, and its validator."""

    def __init__(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
        self._connection = connection
        self._response = response
        self.start, self.total = _parse_range(response)
        etag = response.headers.get("ETag")
        self.etag = None if etag is None or etag.startswith("W/") else etag
        """Only a strong validator may be sent with ``If-Range`` (RFC 9110, 13.1.5)."""

    def read(self, most: int) -> bytes:
        """The next bytes, as they come, ``most`` at once; empty at the end.

        Raises:
            TransientError: the connection broke, or nothing came for the time allowed.
        """
        try:
            return self._response.read1(most)
        except (OSError, http.client.HTTPException) as error:
            raise TransientError(_describe_network(error)) from error

    def close(self) -> None:
        self._connection.close()


def open_stream(url: str, headers: Mapping[str, str], *, start: int, etag: str | None, timeout_s: float) -> ByteStream:
    """Ask for a file from byte ``start`` on; redirects are followed, credentials stay with the host they are for.

    Raises:
        TransientError: no connection, a busy server, a link that has run out.
        DownloadError: not found or not permitted.
    """
    sent = {**headers, "Accept-Encoding": "identity"}
    if start:
        sent["Range"] = f"bytes={start}-"
        if etag:
            sent["If-Range"] = etag
    origin = here = urlsplit(url)
    for _ in range(_MOST_REDIRECTS):
        allowed = sent if _same_host(origin, here) else _without_credentials(sent)
        connection, response = _request(here, allowed, timeout_s)
        if response.status in _REDIRECTS and (location := response.headers.get("Location")):
            connection.close()
            here = urlsplit(urljoin(here.geturl(), location))
            continue
        if response.status in (200, 206):
            return ByteStream(connection, response)
        connection.close()
        raise _explain_status(response, here, is_hub=_same_host(origin, here))
    raise TransientError(f"{origin.netloc} redirects more than {_MOST_REDIRECTS} times")


def use_certificates_of_environment() -> None:
    """Let ``REQUESTS_CA_BUNDLE`` and ``CURL_CA_BUNDLE`` work here too; OpenSSL reads ``SSL_CERT_FILE`` only."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if os.environ.get(name):
            os.environ.setdefault("SSL_CERT_FILE", os.environ[name])


def _parse_range(response: http.client.HTTPResponse) -> tuple[int, int | None]:
    """First byte of the body, and the size of the whole file where the server says it."""
    if response.status == 206:
        span, _, total = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
        first = span.partition("-")[0]
        if not first.isdigit():
            raise TransientError(f"status 206 without a usable Content-Range ({span or 'none'})")
        return int(first), int(total) if total.isdigit() else None
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None


def _request(
    url: SplitResult, headers: Mapping[str, str], timeout_s: float
) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    connection, target, extra = _connect(url)
    try:
        connection.request("GET", target, headers={**headers, **extra})
        assert connection.sock is not None  # a request opens it
        connection.sock.settimeout(timeout_s)
        return connection, connection.getresponse()
    except ssl.SSLCertVerificationError as error:
        connection.close()
        text = f"the certificate of {url.netloc} is not trusted ({error.verify_message}); give its CA in SSL_CERT_FILE"
        raise DownloadError(Exit.NOT_PERMITTED, text) from error
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        raise TransientError(f"{url.netloc}: {_describe_network(error)}") from error


def _connect(url: SplitResult) -> tuple[http.client.HTTPConnection, str, dict[str, str]]:
    """A connection for a URL, directly or through the environment's proxy; the target to ask for; headers to add."""
    host, is_tls = url.hostname or "", url.scheme == "https"
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    proxy = None if urllib.request.proxy_bypass(host) else urllib.request.getproxies().get(url.scheme)
    if not proxy:
        if is_tls:
            return http.client.HTTPSConnection(host, url.port, timeout=_CONNECT_TIMEOUT_S, context=_tls()), path, {}
        return http.client.HTTPConnection(host, url.port, timeout=_CONNECT_TIMEOUT_S), path, {}
    way = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    credentials = _proxy_credentials(way)
    if is_tls:
        tunnel = http.client.HTTPSConnection(
            way.hostname or "", way.port or 80, timeout=_CONNECT_TIMEOUT_S, context=_tls()
        )
        tunnel.set_tunnel(host, url.port or 443, headers=credentials)
        return tunnel, path, {}
    plain = http.client.HTTPConnection(way.hostname or "", way.port or 80, timeout=_CONNECT_TIMEOUT_S)
    return plain, url.geturl(), credentials


def _proxy_credentials(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


@cache
def _tls() -> ssl.SSLContext:
    """The system's certificates or SSL_CERT_FILE; in an image without any, those of ``huggingface_hub``."""
    context = ssl.create_default_context()
    if not os.environ.get("SSL_CERT_FILE") and not context.get_ca_certs():
        try:
            import certifi
        except ImportError:
            return context
        context.load_verify_locations(certifi.where())
    return context


def _same_host(one: SplitResult, other: SplitResult) -> bool:
    """Scheme and port count: a token for https is not for http, nor for another port's program."""
    return (one.scheme, one.hostname, one.port) == (other.scheme, other.hostname, other.port)


def _without_credentials(headers: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in headers.items() if key.lower() not in _CREDENTIALS}


def _explain_status(response: http.client.HTTPResponse, url: SplitResult, *, is_hub: bool) -> Exception:
    status, words = response.status, response.headers.get("X-Error-Message", response.reason)
    place = f"{url.netloc}{url.path}"
    if is_hub and status in (401, 403, 451):
        return DownloadError(
            Exit.NOT_PERMITTED,
            f"{place}: status {status}: {words}; give a token that may read it (HF_TOKEN)",
        )
    if is_hub and status in (404, 410):
        return DownloadError(Exit.NOT_FOUND, f"{place}: status {status}: {words}; the Hub lists it, yet has it not")
    # elsewhere these mean that the signed link has run out: the next try asks the Hub for a fresh one
    delay = parse_retry_after(response.headers.get("Retry-After"))
    return TransientError(f"{url.netloc} answers {status} {response.reason}", retry_after_s=delay)


def _describe_network(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "nothing came for the time allowed (stalled)"
    if isinstance(error, http.client.IncompleteRead):
        return "the connection broke"
    return " ".join(str(error).split())[:200] or type(error).__name__
