"""The mark of a stack's state on every object, and the look at what is there before one is created.

A Pulumi hook before the creation of each object, in previews too: it runs for what the state does not know. What is
there and not this state's is refused; the provider would take it over (docs/adr/0095).
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, cast

import pulumi

from qwen_infra.checks.cluster_identity import ClusterIdentity
from qwen_infra.cluster import Kubectl
from qwen_infra.cluster.found_objects import ObjectPlace
from qwen_infra.cluster.object_lookup import ObjectLookup
from qwen_infra.ownership import MARK, Owner, Verdict, is_as_planned, judge_ownership

__all__ = ["Ownership", "clear_the_way"]

NOT_YET = "drawn by pulumi up"
"""The mark in the preview of a stack that has none; a text: an object with an unknown value is not shown to the API."""


_ORIGINS = {
    Verdict.LEFTOVER: "was left by an interrupted `pulumi up`",
    Verdict.KNOWN: "is from before there were marks",
}


class Ownership:
    """What makes the resources below a component, or with these options, this state's own.

    Args:
        identity: keeps the mark.
        adopt: the stack file's ``cluster.adopt``.
        foreseen: what the program is going to register, which a preview looks up at once; nothing changes meanwhile.
    """

    def __init__(
        self,
        identity: ClusterIdentity,
        kubectl: Kubectl,
        *,
        stack: str,
        adopt: bool,
        foreseen: Collection[ObjectPlace] = (),
    ) -> None:
        self.identity, self._stack, self._adopt = identity, stack, adopt
        self._lookup = ObjectLookup(
            kubectl,
            lambda text: pulumi.info(text, ephemeral=True),
            foreseen if pulumi.runtime.is_dry_run() else (),
        )
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
        mark, is_older = await self.identity.mark.future(), await self.identity.is_older.future()
        owner = Owner(self._stack, mark, self._adopt, is_older=self.identity.was_unmarked or bool(is_older))
        planned, is_preview = dict(args.new_inputs or {}), pulumi.runtime.is_dry_run()
        await clear_the_way(self._lookup, planned, owner, is_preview=is_preview, report=pulumi.info)


async def clear_the_way(
    lookup: ObjectLookup, planned: Mapping[str, Any], owner: Owner, *, is_preview: bool, report: Callable[[str], None]
) -> None:
    """Look at what lies where an object is to be created, and take it away where it must not stay; never in previews.

    Raises:
        ConfigurationError: it is somebody else's.
        KubectlError: the cluster refused, did not answer for minutes, or an object does not go.
    """
    place = ObjectPlace.of(planned)
    found = await lookup.find(place)
    verdict = judge_ownership(place, found, owner)
    if found is None or is_preview:
        return
    left = _ORIGINS.get(verdict, "is of a lost state")
    if verdict is Verdict.LEAVING:
        report(f"{place} is being deleted: waiting for its end before it is made again")
    elif place.kind == "Job" and not is_as_planned(planned["spec"], found.spec):
        report(f"{place} {left}, for other settings: made anew")
        await lookup.delete(place)  # a Job's template never changes
    else:
        if verdict is Verdict.LEFTOVER:
            report(f"{place} {left} of this state: taken over")
        return
    judge_ownership(place, await lookup.wait_while_leaving(place), owner)
