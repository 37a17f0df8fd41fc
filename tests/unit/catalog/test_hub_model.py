"""Deriving a model over the network: a real HTTP server on 127.0.0.1 that answers as a Hub does."""

import json
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from qwen_infra.catalog import Attention
from qwen_infra.catalog.hub import HubUnreachableError, UnreadableRepositoryError, fetch_model

CONFIG = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "max_position_embeddings": 4096,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "num_key_value_heads": 2,
    "vocab_size": 1000,
}
COMMIT = "0" * 39 + "1"


def write_safetensors():
    header = json.dumps({"w": {"dtype": "BF16", "shape": [1000, 200], "data_offsets": [0, 400_000]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(400_000)


class Hub(BaseHTTPRequestHandler):
    files: ClassVar[dict[str, bytes]] = {}

    def answer(self, *, with_body):
        name = self.path.split("?")[0].rsplit("/", 1)[-1]
        body = self.files.get(name)
        if self.path.startswith("/api/models/me/tiny/"):
            body = json.dumps({"id": "me/tiny", "sha": COMMIT, "siblings": []}).encode()
        if body is None or "/me/tiny/" not in self.path:
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound" if "/me/tiny/" in self.path else "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        wanted = self.headers.get("Range")
        if wanted:
            start, _, end = wanted.removeprefix("bytes=").partition("-")
            body = body[int(start) : int(end or len(body)) + 1]
        self.send_response(206 if wanted else 200)
        self.send_header("ETag", '"etag"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def do_HEAD(self):
        self.answer(with_body=False)

    def do_GET(self):
        self.answer(with_body=True)

    def log_message(self, *_):
        """Quiet."""


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    Hub.files = {"config.json": json.dumps(CONFIG).encode(), "model.safetensors": write_safetensors()}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(timeout=10)


def test_a_model_is_derived_from_a_repositorys_configuration_and_headers(hub):
    model = fetch_model("me/tiny", endpoint=hub)
    assert model.checkpoint("bf16").bytes == 400_000
    assert model.architecture.attention == Attention(q_heads=4, kv_heads=2, head_dim=16)


def test_an_unknown_repository_is_a_configuration_error(hub):
    with pytest.raises(UnreadableRepositoryError, match="me/other@main"):
        fetch_model("me/other", endpoint=hub)


def test_a_repository_without_safetensors_is_a_configuration_error(hub):
    del Hub.files["model.safetensors"]
    with pytest.raises(UnreadableRepositoryError, match="safetensors"):
        fetch_model("me/tiny", endpoint=hub)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe"])
def test_a_configuration_that_is_no_json_object_is_refused(hub, content):
    Hub.files["config.json"] = content
    with pytest.raises(UnreadableRepositoryError, match=r"JSON|object"):
        fetch_model("me/tiny", endpoint=hub)


def test_a_name_that_no_repository_can_have_is_refused_without_asking(hub):
    with pytest.raises(UnreadableRepositoryError):
        fetch_model("not a repository", endpoint=hub)


def test_a_hub_that_cannot_be_reached_is_an_environment_error(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(HubUnreachableError) as caught:
        fetch_model("me/tiny", endpoint="http://127.0.0.1:9")
    assert caught.value.exit_code == 3
