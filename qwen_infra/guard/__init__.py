"""What runs inside the server's process, in front of vLLM: the API keys, read anew when they change."""

__all__ = ["MIDDLEWARE"]

MIDDLEWARE = "gatekeeper.Gatekeeper"
"""Import path of the middleware inside the server's container, where its one file lies on ``PYTHONPATH``."""
