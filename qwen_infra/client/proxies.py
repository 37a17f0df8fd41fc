"""The proxy between this process and a server, found once for an endpoint, the same for every client of ours."""

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from qwen_infra.client.endpoint import Endpoint
from qwen_infra.errors import ConfigurationError

__all__ = ["find_proxy"]


def find_proxy(endpoint: Endpoint) -> str | None:
    """The URL of the proxy that the environment names for an endpoint; a proxy never leads to this machine's own ports.

    ``HTTP_PROXY`` or ``HTTPS_PROXY`` by the URL's scheme, else ``ALL_PROXY``; not for what ``NO_PROXY`` lists. Both
    HTTP libraries look themselves where they are let: each in its way, and aiohttp before every request, for 0.5 ms.

    Raises:
        ConfigurationError: it is no HTTP proxy.
    """
    parts = urlsplit(endpoint.url)
    if endpoint.is_loopback or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    named = getproxies()
    scheme = next((name for name in (parts.scheme, "all") if named.get(name)), None)
    if scheme is None:
        return None
    address = named[scheme] if "://" in named[scheme] else f"http://{named[scheme]}"
    if not _is_usable(address):
        # without its address, which may hold a password
        raise ConfigurationError(
            "the proxy that the environment names cannot be used",
            where=f"{scheme.upper()}_PROXY",
            expected="the address of an HTTP proxy, such as http://proxy:3128; SOCKS is not spoken",
            mend="set NO_PROXY='*' to ask without a proxy",
        )
    return address


def _is_usable(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # a port that is no number
        return False
