"""Many coroutines ask for objects at once: one kubectl answers them, whatever else the event loop's threads do."""

import asyncio
import json
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from qwen_infra.cluster import object_lookup, patience
from qwen_infra.cluster.found_objects import FoundObject, ObjectPlace
from qwen_infra.cluster.kubectl import Kubectl, KubectlError
from qwen_infra.cluster.object_lookup import ObjectLookup

POLICY = ObjectPlace("networking.k8s.io/v1", "NetworkPolicy", "x", "serving")
LEAVING = {"kind": "NetworkPolicy", "metadata": {"name": "x", "deletionTimestamp": "now", "finalizers": ["a.io/held"]}}
REFUSED = "The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_lookup, "PAUSE_S", 0.001)
    monkeypatch.setattr(patience, "PAUSE_S", 0.001)


def script(folder: Path, *answers: str) -> Kubectl:
    """Answers in turn, the last one for ever; what is not JSON is a complaint."""
    for number, answer in enumerate(answers):
        (folder / f"answer-{number}").write_text(answer, "utf-8")
    program = folder / "kubectl"
    program.write_text(
        f"""#!/bin/sh
cd {folder}; echo "$@" >> asked
n=$(($(wc -l < asked) - 1)); [ -e answer-$n ] || n={len(answers) - 1}
grep -q '^[{{]' answer-$n || [ ! -s answer-$n ] || {{ cat answer-$n >&2; exit 1; }}
cat answer-$n
""",
        "utf-8",
    )
    program.chmod(0o755)
    return Kubectl(program=str(program))


def run(question: Coroutine[Any, Any, Any]) -> Any:
    async def within() -> Any:
        return await asyncio.wait_for(question, 60)

    return asyncio.run(within())


def test_it_answers_while_every_thread_of_the_event_loop_is_held_by_a_call_that_waits_for_it(tmp_path: Path) -> None:
    async def ask() -> FoundObject | None:
        threads, answered = ThreadPoolExecutor(1), threading.Event()
        asyncio.get_running_loop().set_default_executor(threads)
        registration = asyncio.get_running_loop().run_in_executor(None, answered.wait)
        try:
            return await asyncio.wait_for(ObjectLookup(script(tmp_path, ""), print).find(POLICY), 30)
        finally:
            answered.set()
            await registration

    assert run(ask()) is None


def test_a_refused_connection_is_asked_again_and_told(tmp_path: Path) -> None:
    told: list[str] = []
    assert run(ObjectLookup(script(tmp_path, REFUSED, ""), told.append).find(POLICY)) is None
    assert told == [f"the cluster does not answer, asking again: {REFUSED}"]


def test_a_refusal_reaches_everybody_who_asked(tmp_path: Path) -> None:
    forbidden = 'Error from server (Forbidden): networkpolicies.networking.k8s.io "x" is forbidden'
    lookup = ObjectLookup(script(tmp_path, forbidden), print)
    other = ObjectPlace("v1", "Service", "x", "serving")

    async def ask() -> list[Any]:
        return [*await asyncio.gather(lookup.find(POLICY), lookup.find(other), return_exceptions=True)]

    assert ["the cluster refuses it" in str(error) for error in run(ask())] == [True, True]
    assert len((tmp_path / "asked").read_text("utf-8").splitlines()) == 1


def test_whoever_stops_asking_does_not_leave_others_without_an_answer(tmp_path: Path) -> None:
    lookup = ObjectLookup(script(tmp_path, ""), print)

    async def ask() -> Any:
        first, second = asyncio.create_task(lookup.find(POLICY)), asyncio.create_task(lookup.find(POLICY))
        third = asyncio.create_task(lookup.find(ObjectPlace("v1", "Service", "x", "serving")))
        await asyncio.sleep(0)
        first.cancel()
        return [await second, await third]

    assert run(ask()) == [None, None]


def test_what_is_being_deleted_is_waited_for_and_what_was_made_meanwhile_is_told(tmp_path: Path) -> None:
    leaving, made = json.dumps(LEAVING), {"kind": "NetworkPolicy", "metadata": {"name": "x", "labels": {"a": "b"}}}
    lookup = ObjectLookup(script(tmp_path, leaving, leaving, json.dumps(made)), print)
    assert run(lookup.wait_while_leaving(POLICY)) == FoundObject({"a": "b"})


def test_what_does_not_go_is_told_with_what_holds_it_and_not_as_a_silent_cluster(tmp_path: Path) -> None:
    with pytest.raises(KubectlError) as held:
        run(ObjectLookup(script(tmp_path, json.dumps(LEAVING)), print).wait_while_leaving(POLICY, timeout_s=0.01))
    told = str(held.value)
    assert told.startswith("NetworkPolicy serving/x: the object is still being deleted")
    assert "a.io/held" in told
    assert "kubectl describe --namespace serving NetworkPolicy.v1.networking.k8s.io/x" in told


def test_a_deletion_is_asked_for_without_waiting_inside_kubectl(tmp_path: Path) -> None:
    run(ObjectLookup(script(tmp_path, REFUSED, ""), lambda _: None).delete(POLICY))
    asked = (tmp_path / "asked").read_text("utf-8").splitlines()
    assert len(asked) == 2
    assert all("--wait=false" in each and "--ignore-not-found" in each for each in asked)


SERVICES = [ObjectPlace("v1", "Service", f"vllm-{number}", "serving") for number in range(20)]
LISTED = {"kind": "List", "items": [{"kind": "Service", "metadata": {"name": name}} for name in ("vllm-3", "other")]}


async def find_each(lookup: ObjectLookup) -> list[str]:
    return [place.name for place in SERVICES if await lookup.find(place) is not None]


def test_what_is_foreseen_is_listed_once_by_its_kind(tmp_path: Path) -> None:
    lookup = ObjectLookup(script(tmp_path, json.dumps(LISTED)), print, SERVICES)
    assert run(find_each(lookup)) == ["vllm-3"]
    (asked,) = (tmp_path / "asked").read_text("utf-8").splitlines()
    assert "get --namespace serving Service.v1. " in asked


def test_whoever_may_not_list_what_is_foreseen_asks_for_each_by_its_name(tmp_path: Path) -> None:
    forbidden = 'Error from server (Forbidden): services is forbidden: User "ci" cannot list resource "services"'
    lookup = ObjectLookup(script(tmp_path, forbidden, ""), print, SERVICES)
    assert run(find_each(lookup)) == []
    assert len((tmp_path / "asked").read_text("utf-8").splitlines()) == 1 + len(SERVICES)
