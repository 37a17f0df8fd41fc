"""Talking to an OpenAI-compatible model server: where it is, requests and streams with deadlines, and what answered.

No knowledge of cases or metrics here (``verification`` and ``benchmark`` hold those), nor of clusters and Secrets.
"""

from qwen_infra.client.chunk import parse_event
from qwen_infra.client.endpoint import Deadlines, Endpoint
from qwen_infra.client.errors import (
    BrokenAnswerError,
    ConnectionFailedError,
    DeadlineExceededError,
    EndpointError,
    HttpStatusError,
    NotJsonError,
    ServerFaultError,
    TlsFailedError,
    shorten,
)
from qwen_infra.client.http import InferenceClient, JsonReply, encode_body
from qwen_infra.client.load_client import LoadClient, OnEvent, StreamingClient
from qwen_infra.client.provenance import (
    ClusterFacts,
    Provenance,
    ServerFacts,
    derive_provenance,
    fetch_provenance,
    fetch_server_facts,
)
from qwen_infra.client.sse import SseParser

__all__ = [
    "BrokenAnswerError",
    "ClusterFacts",
    "ConnectionFailedError",
    "DeadlineExceededError",
    "Deadlines",
    "Endpoint",
    "EndpointError",
    "HttpStatusError",
    "InferenceClient",
    "JsonReply",
    "LoadClient",
    "NotJsonError",
    "OnEvent",
    "Provenance",
    "ServerFacts",
    "ServerFaultError",
    "SseParser",
    "StreamingClient",
    "TlsFailedError",
    "derive_provenance",
    "encode_body",
    "fetch_provenance",
    "fetch_server_facts",
    "parse_event",
    "shorten",
]
