"""The middleware in front of vLLM: who is let in, who is not, and what happens when a key changes."""

import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from qwen_infra.download.manifest import MANIFEST_NAME
from qwen_infra.guard import gatekeeper
from qwen_infra.guard.gatekeeper import WEIGHTS_PATH, Gatekeeper

PATHS = ("/health", "/metrics", "/invocations", "/tokenize", "/v1/models")


async def tell_authorization(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.headers.get("authorization", "none"))


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    (tmp_path / "api-key").write_text("new\n")
    (tmp_path / "previous-api-key").write_text("old")
    (tmp_path / "unrelated").write_text("other")
    return tmp_path


def make_app(folder: Path, **environment: str) -> Starlette:
    variables = {
        "QWEN_INFRA_KEY_FOLDER": str(folder),
        "QWEN_INFRA_KEYS": "api-key,previous-api-key",
        "QWEN_INFRA_OPEN_PATHS": "/health",
        "VLLM_API_KEY": "of the start",
        **environment,
    }
    routes = [Route(path, tell_authorization, methods=["GET", "OPTIONS"]) for path in PATHS]
    return Starlette(routes=routes, middleware=[Middleware(Gatekeeper, environment=variables)])


async def ask(app: Starlette, path: str, key: str | None = None, method: str = "GET", **headers: str) -> httpx.Response:
    given = {"authorization": f"Bearer {key}"} if key is not None else headers
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://server") as client:
        return await client.request(method, path, headers=given)


def run(coroutine: Any) -> httpx.Response:
    import asyncio

    answer: httpx.Response = asyncio.run(coroutine)
    return answer


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/health"])
def test_every_path_needs_a_key(keys: Path, path: str) -> None:
    refused = run(ask(make_app(keys), path))
    assert (refused.status_code, refused.json()) == (401, {"error": "Unauthorized"})


def test_a_listed_path_needs_none(keys: Path) -> None:
    assert run(ask(make_app(keys), "/health")).text == "none"


@pytest.mark.parametrize("path", ["/healthz", "/health/", "/health/../v1/models"])
def test_only_the_listed_path_itself_is_open(keys: Path, path: str) -> None:
    assert run(ask(make_app(keys), path)).status_code == 401


@pytest.mark.parametrize("key", ["new", "old"])
def test_the_current_and_the_previous_key_are_accepted(keys: Path, key: str) -> None:
    assert run(ask(make_app(keys), "/v1/models", key)).status_code == 200


def test_the_server_sees_the_key_of_its_start(keys: Path) -> None:
    assert run(ask(make_app(keys), "/v1/models", "new")).text == "Bearer of the start"


@pytest.mark.parametrize("key", ["other", "of the start", "", "New", "new\n"[:-1] + "x"])
def test_any_other_key_is_refused(keys: Path, key: str) -> None:
    assert run(ask(make_app(keys), "/v1/models", key)).status_code == 401


def test_another_scheme_is_refused(keys: Path) -> None:
    assert run(ask(make_app(keys), "/v1/models", authorization="Basic new")).status_code == 401


def test_a_browsers_preflight_passes(keys: Path) -> None:
    assert run(ask(make_app(keys), "/v1/models", method="OPTIONS")).status_code == 200


def test_a_changed_key_counts_at_once(keys: Path) -> None:
    app = make_app(keys)
    assert run(ask(app, "/v1/models", "old")).status_code == 200
    (keys / "previous-api-key").write_text("new")
    (keys / "api-key").write_text("newest")
    assert [run(ask(app, "/v1/models", key)).status_code for key in ("newest", "new", "old")] == [200, 200, 401]


def test_a_folder_that_a_kubelet_swaps_counts_at_once(tmp_path: Path) -> None:
    for version, key in (("1", "aaa"), ("2", "bbb")):
        (tmp_path / version).mkdir()
        (tmp_path / version / "api-key").write_text(key)
        os.utime(tmp_path / version / "api-key", (1, 1))
    (tmp_path / "..data").symlink_to("1")
    (tmp_path / "api-key").symlink_to("..data/api-key")
    app = make_app(tmp_path)
    assert run(ask(app, "/v1/models", "aaa")).status_code == 200
    (tmp_path / "new").symlink_to("2")
    (tmp_path / "new").rename(tmp_path / "..data")
    assert [run(ask(app, "/v1/models", key)).status_code for key in ("aaa", "bbb")] == [401, 200]


def test_without_any_key_nobody_is_let_in(tmp_path: Path) -> None:
    (tmp_path / "api-key").write_text("")
    assert [run(ask(make_app(tmp_path), "/v1/models", key)).status_code for key in ("", "x", None)] == [401, 401, 401]


def test_a_websocket_without_a_key_is_closed(keys: Path) -> None:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    import asyncio

    scope = {"type": "websocket", "path": "/v1/realtime", "headers": []}
    asyncio.run(make_app(keys)(scope, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_a_server_without_its_settings_does_not_start() -> None:
    with pytest.raises(KeyError, match="QWEN_INFRA_KEY_FOLDER"):
        Gatekeeper(tell_authorization, environment={})  # type: ignore[arg-type]


MANIFEST = {
    "format": 2,
    "repository": "Qwen/Qwen3.5-4B",
    "revision": "main",
    "commit": "abc",
    "digest": "d",
    "completed_at": "now",
    "files": {"a": 1},
}


@pytest.mark.parametrize(("key", "status"), [(None, 401), ("wrong", 401), ("new", 200)])
def test_the_commit_of_the_weights_is_told_to_who_has_the_key(keys: Path, key: str | None, status: int) -> None:
    (keys / ".qwen-infra-manifest.json").write_text(json.dumps(MANIFEST))
    answer = run(ask(make_app(keys, QWEN_INFRA_MODEL_FOLDER=str(keys)), WEIGHTS_PATH, key))
    assert answer.status_code == status
    if status == 200:
        assert answer.json() == {key: value for key, value in MANIFEST.items() if key not in ("format", "files")}


@pytest.mark.parametrize("text", [None, "", "[]", "null", '{"repository": "x"}', "\x00{"])
def test_weights_without_a_whole_manifest_are_told_as_unknown(keys: Path, text: str | None) -> None:
    if text is not None:
        (keys / ".qwen-infra-manifest.json").write_text(text)
    answer = run(ask(make_app(keys, QWEN_INFRA_MODEL_FOLDER=str(keys)), WEIGHTS_PATH, "new"))
    assert (answer.status_code, "no manifest" in answer.json()["error"]) == (404, True)


def test_the_manifest_is_the_downloaders() -> None:
    assert gatekeeper.MANIFEST == MANIFEST_NAME
