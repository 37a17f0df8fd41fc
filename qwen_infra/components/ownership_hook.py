"""The mark of a stack's state on every object, and the look at what is there before one is created.

A Pulumi hook before the creation of each object, in previews too: it runs for what the state does not know. What is
there and not this state's is refused; the provider would take it over (docs/adr/0095).
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pulumi

from qwen_infra.checks.cluster_identity import ClusterIdentity
from qwen_infra.cluster import Kubectl
from qwen_infra.cluster.found_objects import FoundObject, ObjectPlace, delete_object, find_objects, wait_until_gone
from qwen_infra.ownership import MARK, Owner, Verdict, is_as_planned, judge_ownership

__all__ = ["Ownership"]

_THREADS = ThreadPoolExecutor(max_workers=16, thread_name_prefix="ownership")
"""Of their own: a registration holds one of the event loop's few threads until its hook has ended, so that on two cores
a few objects at once would hold them all, for ever."""

NOT_YET = "drawn by pulumi up"
"""The mark in the preview of a stack that has none; a text: an object with an unknown value is not shown to the API."""


class Ownership:
    """What makes the resources below a component, or with these options, this state's own.

    Args:
        identity: keeps the mark.
        adopt: the stack file's ``cluster.adopt``.
    """

    def __init__(self, identity: ClusterIdentity, kubectl: Kubectl, *, stack: str, adopt: bool) -> None:
        self.identity, self._stack, self._adopt = identity, stack, adopt
        self._kubectl, self._lookup = kubectl, _Lookup(kubectl)
        self._hook = pulumi.ResourceHook(
            "ownership", self._look_before_creation, pulumi.ResourceHookOptions(on_dry_run=True)
        )

    def transform(self, args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        """Mark an object and hang the hook on its creation; other resources stay as they are."""
        if not args.type_.startswith("kubernetes:"):
            return None
        meta: dict[str, Any] = dict(cast("Mapping[str, Any]", args.props)["metadata"])
        marked = {**meta, "annotations": {**meta.get("annotations", {}), MARK: self._mark()}}
        hooks = pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(before_create=[self._hook]))
        options = pulumi.ResourceOptions.merge(args.opts, hooks)
        return pulumi.ResourceTransformationResult({**args.props, "metadata": marked}, options)

    async def _mark(self) -> str:
        return await self.identity.mark.future() or NOT_YET

    async def _look_before_creation(self, args: pulumi.ResourceHookArgs) -> None:
        planned = dict(args.new_inputs or {})
        place = ObjectPlace.of(planned)
        found = await self._lookup.find(place)
        mark = await self.identity.mark.future()
        owner = Owner(self._stack, mark, self._adopt, is_older=self.identity.was_unmarked and mark is None)
        verdict = judge_ownership(place, found, owner)
        if not pulumi.runtime.is_dry_run() and found is not None:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(_THREADS, self._prepare, verdict, place, planned, found)

    def _prepare(self, verdict: Verdict, place: ObjectPlace, planned: dict[str, Any], found: FoundObject) -> None:
        if verdict is Verdict.LEAVING:
            pulumi.info(f"{place} is being deleted: waiting for its end before it is made again")
            wait_until_gone(self._kubectl, place)
        elif verdict is Verdict.LEFTOVER and place.kind == "Job" and not is_as_planned(planned["spec"], found.spec):
            pulumi.info(f"{place} was left by an interrupted `pulumi up`, for other settings: made anew")
            delete_object(self._kubectl, place)  # a Job's template never changes
        elif verdict is Verdict.LEFTOVER:
            pulumi.info(f"{place} was left by an interrupted `pulumi up` of this state: taken over")


class _Lookup:
    """Answers questions for objects that come at the same time by one kubectl, which takes a fifth of a second."""

    def __init__(self, kubectl: Kubectl) -> None:
        self._kubectl = kubectl
        self._asked: dict[ObjectPlace, asyncio.Future[FoundObject | None]] = {}
        self._answering: asyncio.Task[None] | None = None

    async def find(self, place: ObjectPlace) -> FoundObject | None:
        answer = self._asked.setdefault(place, asyncio.get_running_loop().create_future())
        if self._answering is None:
            self._answering = asyncio.create_task(self._answer())
        return await answer

    async def _answer(self) -> None:
        try:
            while self._asked:
                asked, self._asked = self._asked, {}
                try:
                    loop = asyncio.get_running_loop()
                    found = await loop.run_in_executor(_THREADS, find_objects, self._kubectl, list(asked))
                except Exception as error:  # noqa: BLE001 whoever asked must hear of it, and not wait for ever
                    for answer in asked.values():
                        answer.set_exception(error)
                    continue
                for place, answer in asked.items():
                    answer.set_result(found.get(place))
        finally:
            self._answering = None
