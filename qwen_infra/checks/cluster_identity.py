"""``ClusterIdentity``: remembers which cluster a stack was deployed to, and refuses another one under the same name.

It also keeps the mark of this state, drawn once, which every object bears (``qwen_infra.ownership``).

A kubeconfig's current context is easily another than yesterday. Kubernetes has no name of a cluster; the UID of its
namespace ``kube-system`` is what tools take for one. check: compares it with the remembered one, in previews too,
before the provider of every other resource is there. Nothing is made and nothing runs.
"""

import secrets
from typing import Any

import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)

__all__ = ["ClusterIdentity", "ClusterIdentityProvider"]

MARK_BYTES = 8


class ClusterIdentityProvider(ResourceProvider):
    """Compares two UIDs; stored by module and class name, so it must not move."""

    serialize_as_secret_always = False

    def check(self, _olds: Any, news: Any) -> CheckResult:
        known, seen = _olds.get("uid"), news.get("uid")
        if not known or not seen or known == seen or _olds.get("identifier") != news["identifier"]:
            return CheckResult(news, [])
        return CheckResult(news, [CheckFailure("qwen-infra:cluster.identifier", _explain(known, news))])

    def create(self, props: Any) -> CreateResult:
        return CreateResult("cluster-identity", {**props, "mark": _draw_mark(props), "is_older": False})

    def update(self, _id: str, _olds: Any, _news: Any) -> UpdateResult:
        uid, mark = _news.get("uid") or _olds.get("uid"), _olds.get("mark") or _draw_mark(_news)
        # an `up` that draws the mark and then fails has not marked every object, so this is remembered
        is_older = bool(_olds.get("is_older") or not _olds.get("mark"))
        return UpdateResult({**_news, "uid": uid, "mark": mark, "is_older": is_older})

    def diff(self, _id: str, _olds: Any, _news: Any) -> DiffResult:
        seen = _news.get("uid")
        is_moved = _olds.get("identifier") != _news["identifier"] or (seen and _olds.get("uid") != seen)
        return DiffResult(changes=bool(is_moved or not _olds.get("mark")))

    def read(self, id_: str, props: Any) -> ReadResult:
        return ReadResult(id_, props)


def _draw_mark(props: Any) -> str:
    return f"{props['project']}/{secrets.token_hex(MARK_BYTES)}"


def _explain(known: str, news: Any) -> str:
    return (
        f"this stack was deployed to another cluster of the name {news['identifier']} (found kube-system {news['uid']} "
        f"behind {news['place']}, expected {known}); choose that cluster's context with `pulumi config set --path "
        "'qwen-infra:cluster.context' <context>`, or, to move the stack, give this cluster another identifier"
    )


class ClusterIdentity(Resource, module="qwen", name="ClusterIdentity"):
    """The cluster of a stack: the name that the stack file gives it, and the UID that it has, where we may read it."""

    uid: pulumi.Output[str]
    mark: pulumi.Output[str]
    """Of this state, and of no other: ``project/`` and a number; unknown in the preview that would draw it."""
    is_older: pulumi.Output[bool | None]
    """Whether the state was made before there were marks, so that objects of its stack may be without one."""
    was_unmarked: bool
    """Whether the state has no mark yet; known once anything that depends on this is registered."""

    def __init__(self, identifier: str, uid: str | None, context: str | None) -> None:
        inputs = {
            "identifier": identifier,
            "uid": uid,
            "place": f"context {context}" if context else "current context",
            "project": pulumi.get_project(),
            "mark": None,
            "is_older": None,
        }
        self.was_unmarked = False
        note = pulumi.ResourceHook("unmarked", self._note_old_state, pulumi.ResourceHookOptions(on_dry_run=True))
        hooks = pulumi.ResourceHookBinding(before_update=[note])
        options = pulumi.ResourceOptions(hide_diffs=["__provider"], hooks=hooks)
        super().__init__(ClusterIdentityProvider(), "cluster-identity", inputs, options)

    def _note_old_state(self, args: pulumi.ResourceHookArgs) -> None:
        self.was_unmarked = not (args.old_outputs or {}).get("mark")
