"""Suite, guard and simulator against a real vLLM 0.32 on the CPU that serves the trained miniature.

The miniature knows five conversations by heart (``qwen_infra/local/miniature/conversations.py``). What the suite asks
beyond them it answers wrongly, so that the same run shows both: vLLM's parsers and the suite agree, and the gate fails.
"""

import asyncio
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import httpx
import pytest

from qwen_infra.client import Endpoint
from qwen_infra.local import ensure_miniature
from qwen_infra.verification import CASES, DeployedServer, Level, SuiteOptions, VerificationReport, run_suite
from qwen_infra.verification.archive import build_archive
from qwen_infra.verification.pod_log import read_result_line
from tests.clients import ANTHROPIC, OPENAI, Conversation, anthropic_client, openai_client
from tests.contract.exchanges import EXCHANGES, Exchange, read_shape
from tests.contract.interpreter import VllmInterpreter
from tests.contract.servers import KEY, KEY_FILE, MAX_MODEL_LEN, MODEL, OPEN_PATHS, serve, simulate

pytestmark = pytest.mark.timeout(1500)

PATIENCE = 5.0
"""Factor on every deadline: two busy cores stand in for GPUs."""
READINGS = 5
"""A busy vLLM may send two tokens in one event, so an order of events that differs is read again."""
PROTOCOL = (
    *("models-listed", "key-required*", "development-paths", "unknown-model", "server-version"),
    *("server-context-length", "context-*", "messages-count-tokens", "completion*"),
)
"""What passes whatever a model says."""
LEARNT = (
    *("chat-*", "thinking-*", "reasoning-tokens*", "tools-auto-*", "tools-required-*", "tools-named-*"),
    *("responses", "responses-stream", "responses-tools*", "messages", "messages-stream", "messages-tools*"),
)
"""What asks for conversations that the miniature knows."""
NEVER_LEARNT = {
    "tools-none-*": "it knows the question with a tool only as one that is answered by a call",
    "tools-result-*": "it never saw the turn after a call, and calls again",
    "responses-result*": "as above",
    "messages-result*": "as above",
    "tools-parallel-*": "it knows one city at a time",
    "tools-one-at-a-time": "as above: the question names two cities",
    "tools-unneeded": "where there is a tool it calls it",
    "json-schema*": "it never wrote JSON: the grammar holds it to the braces, the values are missing",
    "json-object*": "as above",
    "language-english": "it never heard of a capital",
    "system-prompt": "it knows one system prompt, which asks for no code word",
    "responses-system-prompt": "as above",
    "messages-system-prompt": "as above",
    "multi-turn": "it knows conversations of one turn",
    "concurrent-answers": "one of the eight asks for a code that it cannot repeat",
}
"""Why each of these cannot pass: the expected words or calls are in no conversation that it knows."""
BY_CHANCE = {
    "structured-choice": "the grammar leaves two words, and it takes either",
    "language-chinese*": "it knows one Chinese answer, and takes its signs for other questions too or falls silent",
    "stop-string*": "it cannot count: it may say nothing at all",
    "max-tokens*": "as above",
    "logprobs*": "as above, with an unknown greeting",
    "hang-up": "it tells no story: its first visible token may never come",
}
"""What depends on words that nobody taught it; batching alone changes them from run to run, even at temperature 0."""
NOT_ASKED = {
    *("unguarded-paths", "server-image", "server-revision", "server-model", "server-kv-cache"),
    "image-input",
}
"""No plan stands behind this server, it is asked from inside, and it takes text only."""


def matching(*patterns: str) -> set[str]:
    """The cases of the suite; a pattern that matches none is an error of these lists."""
    found = {pattern: {case.id for case in CASES if fnmatchcase(case.id, pattern)} for pattern in patterns}
    assert [pattern for pattern, cases in found.items() if not cases] == []
    return set().union(*found.values())


def verify(url: str, level: Level) -> VerificationReport:
    options = SuiteOptions(
        temperature=0,
        patience=PATIENCE,
        deployed=DeployedServer(version="0.32.0", max_model_len=MAX_MODEL_LEN),
    )
    return asyncio.run(run_suite(Endpoint(url=url, model=MODEL, api_key=KEY), level=level, options=options))


def having(report: VerificationReport, status: str) -> dict[str, str]:
    return {case.id: f"{case.detail}; came: {case.actual}" for case in report.cases if case.status == status}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vllm")


@pytest.fixture(scope="module")
def url(vllm: VllmInterpreter, folder: Path) -> Iterator[str]:
    with serve(vllm, ensure_miniature(), folder) as url:
        yield url


@pytest.fixture(scope="module")
def full(url: str) -> VerificationReport:
    return verify(url, "full")


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


def test_smoke_passes(url: str) -> None:
    report = verify(url, "smoke")
    assert having(report, "failed") == {}
    assert report.passed


def test_a_server_that_is_reached_by_its_url_alone_is_never_said_to_have_gpus(full: VerificationReport) -> None:
    assert full.provenance.kind == "unknown"
    assert not full.simulated


def test_every_case_is_expected_to_pass_or_to_fail_or_is_left_to_chance_and_none_twice() -> None:
    groups = [matching(*patterns) for patterns in (PROTOCOL, LEARNT, NEVER_LEARNT, BY_CHANCE, NOT_ASKED)]
    assert sorted(case for group in groups for case in group) == sorted(case.id for case in CASES)


@pytest.mark.parametrize("patterns", [PROTOCOL, LEARNT], ids=["protocol", "learnt"])
def test_what_keeps_the_protocol_and_what_the_model_knows_passes(
    full: VerificationReport, patterns: tuple[str, ...]
) -> None:
    passed = having(full, "passed").keys()
    failed = having(full, "failed") | having(full, "skipped")
    assert {case: failed[case] for case in matching(*patterns) - passed} == {}


def test_what_the_model_never_learnt_fails_and_the_deployment_with_it(full: VerificationReport) -> None:
    assert matching(*NEVER_LEARNT) - having(full, "failed").keys() == set()
    assert not full.passed


def test_nothing_else_is_skipped_than_what_does_not_apply_to_this_server(full: VerificationReport) -> None:
    assert having(full, "skipped").keys() == NOT_ASKED


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
