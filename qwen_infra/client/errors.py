"""What can go wrong between us and a model server, as one tree; each class says when it happens.

QwenInfraError
 └── EndpointError               anything below; ``kind`` is the class's name in counts and JSON
      ├── ConnectionFailedError   connect      nothing listens there, or the name does not resolve
      │    └── TlsFailedError     tls          something listens, but its certificate or protocol is refused
      ├── DeadlineExceededError   timeout      an answer, or its next piece, did not come in time
      ├── HttpStatusError         http_status  the server answered with a status of 300 or more
      ├── NotJsonError            not_json     HTML or other text came where JSON was due
      ├── ServerFaultError        server_error the server reported an error in the middle of a stream
      └── BrokenAnswerError       protocol     cut connections, broken streams, invalid UTF-8, answers beyond the caps

Messages carry at most one line of the server's own words, shortened; never a key. No retries here: callers decide.
"""

from typing import ClassVar

from qwen_infra.errors import QwenInfraError

__all__ = [
    "BrokenAnswerError",
    "ConnectionFailedError",
    "DeadlineExceededError",
    "EndpointError",
    "HttpStatusError",
    "NotJsonError",
    "ServerFaultError",
    "TlsFailedError",
    "shorten",
]

MAX_QUOTED_CHARACTERS = 300


class EndpointError(QwenInfraError):
    """A request to the model server did not bring a usable answer."""

    kind: ClassVar[str] = "endpoint"
    usual_mend: ClassVar[str] = "see what the server says: kubectl logs on its pod"
    """What mends it where whoever raises it knows nothing better."""

    def __init__(self, what: str, *, found: object = None, expected: object = None, mend: str | None = None) -> None:
        super().__init__(what, found=found, expected=expected, mend=mend or self.usual_mend)


class ConnectionFailedError(EndpointError):
    """Nothing listens at the address, or its name does not resolve."""

    kind = "connect"
    usual_mend = "start the server, or open a way to one: qwen-infra connect --stack NAME"
    exit_code = 3


class TlsFailedError(ConnectionFailedError):
    """The address answers, but no trusted TLS connection came about."""

    kind = "tls"
    usual_mend = (
        "name the PEM file of the authority that signed the certificate in the variable SSL_CERT_FILE; "
        "a server without TLS has a URL with http://"
    )


class DeadlineExceededError(EndpointError):
    """An answer, or the next piece of it, did not come within its deadline.

    Args:
        what: the sentence, which names the phase and the seconds.
        phase: ``connect``, ``first byte``, ``between chunks`` or ``total``.
    """

    kind = "timeout"

    def __init__(self, what: str, *, phase: str) -> None:
        super().__init__(what, mend=_WAITS[phase])
        self.phase = phase


class HttpStatusError(EndpointError):
    """The server answered, with a status that is not a success.

    Args:
        what: the sentence, with the server's own message.
        status: the HTTP status code.
        server_message: the server's message, shortened; empty when it gave none.
    """

    kind = "http_status"

    def __init__(self, what: str, *, status: int, server_message: str) -> None:
        super().__init__(what, mend=_mend_status(status))
        self.status = status
        self.server_message = server_message


class NotJsonError(EndpointError):
    """Something else than JSON came, such as a proxy's HTML page."""

    kind = "not_json"
    usual_mend = "give the server's own address, without a path: a proxy, a login page or another program answers here"


class ServerFaultError(EndpointError):
    """The stream had begun with status 200 when the server reported an error in it."""

    kind = "server_error"


class BrokenAnswerError(EndpointError):
    """The connection was cut, or what came breaks HTTP, the event stream format, UTF-8 or our size caps."""

    kind = "protocol"
    usual_mend = "try again; where it stays so, look at the server (kubectl logs) and at what stands before it"


_WAITS = {
    "connect": "check address and port, and that no firewall or VPN lies between: curl --verbose URL/health",
    "first byte": "wait until fewer requests are under way (vllm:num_requests_waiting at URL/metrics); "
    "where none does, the server hangs: kubectl logs on its pod",
    "between chunks": "look whether the server still works: kubectl logs on its pod, curl URL/health",
    "total": "ask for a shorter answer, or when fewer requests are under way: vllm:num_requests_running at URL/metrics",
}
"""By the phase in which the time was over."""


def _mend_status(status: int) -> str:
    """What mends an answer of a status that is not a success."""
    if status in {401, 403}:
        return "put the key into the variable VLLM_API_KEY; with --stack it is read from the Secret"
    if status == 404:
        return "look at what the server serves: curl URL/v1/models; the URL has no path of its own"
    if status in {429, 503}:
        return "try again later: the server, or what stands before it, is busy or not ready"
    if status < 400:
        return "give the address that it redirects to"
    if status < 500:
        return "change what the server complains about"
    return EndpointError.usual_mend


def shorten(text: str, limit: int = MAX_QUOTED_CHARACTERS) -> str:
    """One printable line of at most ``limit`` characters, for quoting what a server sent."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if len(line) <= limit else line[: limit - 3] + "..."
