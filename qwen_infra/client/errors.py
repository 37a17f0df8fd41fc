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


class ConnectionFailedError(EndpointError):
    """Nothing listens at the address, or its name does not resolve."""

    kind = "connect"
    exit_code = 3


class TlsFailedError(ConnectionFailedError):
    """The address answers, but no trusted TLS connection came about."""

    kind = "tls"


class DeadlineExceededError(EndpointError):
    """An answer, or the next piece of it, did not come within its deadline.

    Args:
        what: the sentence, which names the phase and the seconds.
        phase: ``connect``, ``first byte``, ``between chunks`` or ``total``.
    """

    kind = "timeout"

    def __init__(self, what: str, *, phase: str) -> None:
        super().__init__(what)
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
        super().__init__(what)
        self.status = status
        self.server_message = server_message


class NotJsonError(EndpointError):
    """Something else than JSON came, such as a proxy's HTML page."""

    kind = "not_json"


class ServerFaultError(EndpointError):
    """The stream had begun with status 200 when the server reported an error in it."""

    kind = "server_error"


class BrokenAnswerError(EndpointError):
    """The connection was cut, or what came breaks HTTP, the event stream format, UTF-8 or our size caps."""

    kind = "protocol"


def shorten(text: str, limit: int = MAX_QUOTED_CHARACTERS) -> str:
    """One printable line of at most ``limit`` characters, for quoting what a server sent."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if len(line) <= limit else line[: limit - 3] + "..."
