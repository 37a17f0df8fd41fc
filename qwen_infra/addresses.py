"""How an address stands in a URL."""

__all__ = ["url_host"]


def url_host(address: str) -> str:
    """A host name or IPv4 address as it is, an IPv6 address in brackets (RFC 3986, section 3.2.2)."""
    return f"[{address}]" if ":" in address else address
