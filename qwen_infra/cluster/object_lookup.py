"""Questions for objects that come at the same time, answered by one kubectl, which takes a fifth of a second."""

import asyncio
import contextvars
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from qwen_infra.cluster.found_objects import FoundObject, ObjectPlace, begin_deletion, find_objects, list_objects
from qwen_infra.cluster.kubectl import Kubectl, KubectlError
from qwen_infra.cluster.patience import SILENCE_S, ask_patiently

__all__ = ["ObjectLookup"]

GONE_S = 180.0
"""For an object that is being deleted: a pod's grace period, or a claim that its pods let go of."""
PAUSE_S = 1.0
_Answer = TypeVar("_Answer")


class ObjectLookup:
    """Objects as they are now, asked for from many coroutines; a cluster that is silent for a moment is asked again.

    kubectl runs in threads of its own: those of the event loop may all be held by calls that wait for this answer, as
    Pulumi's registrations do (``pulumi up --parallel 1`` has four threads).

    Args:
        report: told, in a sentence and from another thread, when the cluster does not answer.
        foreseen: what will be asked for and does not change until then; it is listed with the first question.
    """

    def __init__(self, kubectl: Kubectl, report: Callable[[str], None], foreseen: Collection[ObjectPlace] = ()) -> None:
        self._kubectl, self._report = kubectl, report
        self._foreseen = frozenset(foreseen)
        self._known: dict[ObjectPlace, FoundObject | None] = {}
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="object-lookup")
        self._asked: dict[ObjectPlace, asyncio.Future[FoundObject | None]] = {}
        self._answering: asyncio.Task[None] | None = None

    async def find(self, place: ObjectPlace) -> FoundObject | None:
        """What lies there; None where nothing does.

        Raises:
            KubectlError: the cluster refused, or did not answer for minutes.
        """
        answer = self._asked.setdefault(place, asyncio.get_running_loop().create_future())
        if self._answering is None:
            self._answering = asyncio.create_task(self._answer())
        return await asyncio.shield(answer)

    async def delete(self, place: ObjectPlace) -> None:
        """Ask for an object's deletion, and what it owns; ``wait_while_leaving`` tells when it is gone.

        Raises:
            KubectlError: it may not be deleted, or the cluster did not answer for minutes.
        """
        await self._ask(lambda: begin_deletion(self._kubectl, place))

    async def wait_while_leaving(self, place: ObjectPlace, *, timeout_s: float = GONE_S) -> FoundObject | None:
        """What lies there once nothing is being deleted there any more: nothing, or what somebody made meanwhile.

        Raises:
            KubectlError: as ``find``, and where it is still being deleted after ``timeout_s``; with what holds it.
        """
        deadline_s = time.monotonic() + timeout_s
        while (found := await self.find(place)) is not None and found.is_being_deleted:
            if time.monotonic() >= deadline_s:
                raise KubectlError(
                    f"the object is still being deleted after {timeout_s:.0f} s",
                    where=str(place),
                    found=f"finalizers {', '.join(found.finalizers)}" if found.finalizers else "no finalizer",
                    expected="nothing of this name",
                    mend=f"`{' '.join(('kubectl describe', *place.in_namespace, place.reference))}` tells what holds "
                    "it; once it is gone, run `pulumi up` again",
                )
            await asyncio.sleep(PAUSE_S)
        return found

    async def _answer(self) -> None:
        try:
            while self._asked:
                asked, self._asked = self._asked, {}
                try:
                    found = await self._look_up(asked)
                except Exception as error:  # noqa: BLE001 whoever asked must hear of it, and not wait for ever
                    for answer in asked.values():
                        answer.set_exception(error)
                    continue
                for place, answer in asked.items():
                    answer.set_result(found.get(place))
        finally:
            self._answering = None

    async def _look_up(self, places: Collection[ObjectPlace]) -> Mapping[ObjectPlace, FoundObject | None]:
        foreseen, self._foreseen = self._foreseen, frozenset()
        if foreseen:
            with suppress(KubectlError):  # whoever may not list may still ask by name
                listed = await self._ask(lambda: list_objects(self._kubectl, foreseen))
                self._known = {place: listed.get(place) for place in foreseen}
        unknown = [place for place in places if place not in self._known]
        found = await self._ask(lambda: find_objects(self._kubectl, unknown)) if unknown else {}
        return {**self._known, **found}

    async def _ask(self, question: Callable[[], _Answer]) -> _Answer:
        deadline_s = time.monotonic() + SILENCE_S
        context = contextvars.copy_context()  # by which Pulumi's log finds its engine

        def ask() -> _Answer:
            return context.run(ask_patiently, question, report=self._report, deadline_s=deadline_s)

        return await asyncio.get_running_loop().run_in_executor(self._threads, ask)
