import httpx
import pytest

from qwen_infra.doctor import hub
from qwen_infra.doctor.finding import Finding


def ask(monkeypatch: pytest.MonkeyPatch, status: int, code: str = "") -> Finding:
    answer = httpx.Response(status, headers={"X-Error-Code": code} if code else {})
    monkeypatch.setattr("httpx.head", lambda *_, **__: answer)
    return hub.examine_hub("Qwen/Qwen3.5-4B", "main", "http://hub.test/")


@pytest.mark.parametrize(
    ("status", "code", "expected", "mend"),
    [
        (200, "", "ok", ""),
        (302, "", "ok", ""),
        (403, "GatedRepo", "missing", "accept the licence at http://hub.test/Qwen/Qwen3.5-4B"),
        (404, "RevisionNotFound", "missing", "qwen-infra:model.revision"),
        (404, "RepoNotFound", "missing", "qwen-infra:cache.hubToken"),
        (401, "", "missing", "qwen-infra:cache.hubToken"),
        (503, "", "unknown", "curl -I"),
    ],
)
def test_what_the_hub_answers_is_judged(monkeypatch, status, code, expected, mend):
    found = ask(monkeypatch, status, code)

    assert found.status == expected
    assert mend in (found.mend or "")


def test_a_hub_that_does_not_answer_this_machine_is_unknown_since_the_nodes_download():
    found = hub.examine_hub("Qwen/Qwen3.5-4B", "main", "http://127.0.0.1:1")

    assert found.status == "unknown"
    assert "the nodes download" in found.found
