"""Suite, guard, clients and simulator against a real vLLM 0.32 on the CPU that serves the trained miniature.

The miniature knows every conversation of the suite by heart (``qwen_infra/local/miniature/conversations.py``), so what
fails here is a disagreement of the suite with vLLM's own parsers. Models that are wrong have a file of their own.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from qwen_infra.local import ensure_miniature
from qwen_infra.verification import VerificationReport
from qwen_infra.verification.archive import build_archive
from qwen_infra.verification.pod_log import read_result_line
from tests.clients import ANTHROPIC, OPENAI, Conversation, anthropic_client, openai_client
from tests.contract.exchanges import EXCHANGES, Exchange, read_shape
from tests.contract.interpreter import VllmInterpreter
from tests.contract.servers import KEY, KEY_FILE, MODEL, OPEN_PATHS, serve, simulate
from tests.contract.suite import NOT_ASKED, having, verify

pytestmark = pytest.mark.timeout(1500)

READINGS = 5
"""A busy vLLM may send two tokens in one event, so an order of events that differs is read again."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vllm")


@pytest.fixture(scope="module")
def url(vllm: VllmInterpreter, folder: Path) -> Iterator[str]:
    with serve(vllm, ensure_miniature(), folder) as url:
        yield url


@pytest.fixture(scope="module")
def full(url: str) -> VerificationReport:
    return verify(url)


def status_of(url: str, path: str, key: str | None, body: dict[str, object] | None = None) -> int:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    method = "GET" if body is None else "POST"
    with httpx.Client(trust_env=False, timeout=120) as client:
        return client.request(method, f"{url}{path}", headers=headers, json=body).status_code


GUARDED: dict[str, dict[str, object] | None] = {
    "/metrics": None,
    "/v1/models": None,
    "/docs": None,
    "/load": None,
    "/tokenize": {"model": MODEL, "prompt": "Hello"},
    "/invocations": {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1},
}


@pytest.mark.parametrize("path", GUARDED)
def test_the_gatekeeper_lets_nobody_without_the_key_to_a_path_of_the_real_server(url: str, path: str) -> None:
    assert [status_of(url, path, key, GUARDED[path]) for key in (None, "sk-wrong", KEY)] == [401, 401, 200]


def test_the_gatekeeper_leaves_the_open_paths_of_the_real_server_open(url: str) -> None:
    assert [status_of(url, path, None) for path in OPEN_PATHS] == [200, 200]


def test_a_new_key_counts_at_once_on_the_real_server_and_an_old_one_as_long_as_its_file_is_there(
    url: str, folder: Path
) -> None:
    current, previous = folder / "keys" / KEY_FILE, folder / "keys" / f"previous-{KEY_FILE}"
    previous.write_text(KEY)
    current.write_text("sk-new")
    try:
        assert [status_of(url, "/v1/models", key) for key in ("sk-new", KEY)] == [200, 200]
        previous.unlink()
        assert [status_of(url, "/v1/models", key) for key in ("sk-new", KEY)] == [200, 401]
    finally:
        current.write_text(KEY)


def test_a_server_that_is_reached_by_its_url_alone_is_never_said_to_have_gpus(full: VerificationReport) -> None:
    assert full.provenance.kind == "unknown"
    assert not full.simulated


def test_a_right_model_passes_the_whole_text_suite_at_temperature_0(full: VerificationReport) -> None:
    assert having(full, "failed") == {}
    assert full.passed


def test_nothing_is_skipped_but_what_does_not_apply_to_this_server(full: VerificationReport) -> None:
    assert having(full, "skipped").keys() == NOT_ASKED


def test_a_right_model_passes_the_whole_text_suite_at_its_own_temperature_as_in_a_deployment(url: str) -> None:
    report = verify(url, temperature=None)
    assert having(report, "failed") == {}
    assert report.passed


@pytest.mark.parametrize("hold", OPENAI)
def test_the_official_openai_client_is_answered_by_the_real_server(
    url: str, hold: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with openai_client(url, KEY) as client:
        hold(client, MODEL)


@pytest.mark.parametrize("hold", ANTHROPIC)
def test_the_official_anthropic_client_is_answered_by_the_real_server(
    url: str, hold: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with anthropic_client(url, KEY) as client:
        hold(client, MODEL)


@pytest.fixture(scope="module")
def simulated() -> Iterator[str]:
    with simulate() as url:
        yield url


@pytest.mark.parametrize("exchange", EXCHANGES, ids=[exchange.id for exchange in EXCHANGES])
def test_the_simulator_answers_in_the_shape_of_the_real_server(url: str, simulated: str, exchange: Exchange) -> None:
    """Status, media type, keys, types and order of events."""
    theirs, ours = read_shape(url, KEY, exchange), read_shape(simulated, KEY, exchange)
    is_stream = exchange.body is not None and exchange.body.get("stream", False)
    for _ in range(READINGS - 1 if is_stream else 0):
        if theirs == ours:
            break
        theirs = read_shape(url, KEY, exchange)
    assert ours == theirs


def test_the_archive_of_the_schedule_runs_in_the_images_python_against_the_real_server(
    url: str, vllm: VllmInterpreter, tmp_path: Path
) -> None:
    """In vLLM's own environment, as in its image: what the archive lacks cannot come from this project."""
    program = tmp_path / "verify.pyz"
    program.write_bytes(build_archive())
    asked = (
        "--url",
        url,
        "--model",
        MODEL,
        "--case",
        "models-listed",
        "--case",
        "key-required*",
        "--case",
        "completion*",
    )
    environment = vllm.environment(VLLM_API_KEY=KEY, PYTHONPATH="", NO_PROXY="127.0.0.1")
    done = subprocess.run(
        [str(vllm.python), str(program), *asked],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = read_result_line(done.stdout)
    assert (report.passed, len(report.cases), report.provenance.server_version) == (True, 5, "0.32.0")
