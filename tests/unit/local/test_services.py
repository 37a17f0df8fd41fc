"""The address of a Service, as the port on this machine of a ready pod behind it."""

from pathlib import Path
from typing import Any

import pytest

from qwen_infra.local.agent.records import ServerRecord
from qwen_infra.local.agent.services import ServiceFinder
from qwen_infra.local.folders import StateFolder

URL = "http://vllm-service.qwen.svc:8000"


class Api:
    """A Service that selects the pods ``one`` and ``two``, and a pod of somebody else."""

    def read(self, path: str) -> dict[str, Any] | None:
        known = path == "/api/v1/namespaces/qwen/services/vllm-service"
        return {"spec": {"selector": {"app": "vllm"}}} if known else None

    def list(self, path: str) -> list[dict[str, Any]]:
        assert path == "/api/v1/namespaces/qwen/pods"
        labels = {"one": {"app": "vllm"}, "two": {"app": "vllm", "x": "y"}, "other": {"app": "chat"}}
        return [{"metadata": {"uid": uid, "labels": found}} for uid, found in labels.items()]


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    return StateFolder.of("test", tmp_path)


def finder(folder: StateFolder, **ports: tuple[str, int]) -> ServiceFinder:
    for uid, (state, port) in ports.items():
        values = {"uid": uid, "namespace": "qwen", "pod": uid, "kind": "simulator", "state": state, "port": port}
        path = folder.servers_folder / uid / "record.json"
        path.parent.mkdir(parents=True)
        path.write_text(ServerRecord.model_validate(values).model_dump_json())
    return ServiceFinder(Api(), folder)  # type: ignore[arg-type]


def test_a_ready_pod_that_the_service_selects_is_found(folder: StateFolder) -> None:
    found = finder(folder, one=("starting", 4001), two=("ready", 4002), other=("ready", 4003))
    assert found.localise(URL) == "http://127.0.0.1:4002"
    assert found.localise(f"{URL}/v1") == "http://127.0.0.1:4002/v1"


def test_without_a_ready_pod_the_address_refuses_connections(folder: StateFolder) -> None:
    assert finder(folder, one=("starting", 4001), other=("ready", 4003)).localise(URL) == "http://127.0.0.1:9"


@pytest.mark.parametrize("word", ["--url", "qwen3.5", "http://example.com", "https://vllm-service.qwen.svc:8000"])
def test_other_words_stay_as_they_are(folder: StateFolder, word: str) -> None:
    assert finder(folder).localise(word) == word


def test_an_unknown_service_refuses_connections(folder: StateFolder) -> None:
    assert finder(folder, one=("ready", 4001)).localise("http://nobody.qwen.svc:8000") == "http://127.0.0.1:9"
