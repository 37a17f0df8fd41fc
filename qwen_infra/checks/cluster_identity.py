"""``ClusterIdentity``: remembers which cluster a stack was deployed to, and refuses another one under the same name.

A kubeconfig's current context is easily another than yesterday. Kubernetes has no name of a cluster; the UID of its
namespace ``kube-system`` is what tools take for one. check: compares it with the remembered one, in previews too,
before the provider of every other resource is there. Nothing is made and nothing runs.
"""

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


class ClusterIdentityProvider(ResourceProvider):
    """Compares two UIDs; stored by module and class name, so it must not move."""

    serialize_as_secret_always = False

    def check(self, _olds: Any, news: Any) -> CheckResult:
        known = _olds.get("uid") or news["uid"]
        if known == news["uid"] or _olds.get("identifier") != news["identifier"]:
            return CheckResult(news, [])
        return CheckResult(news, [CheckFailure("qwen-infra:cluster.identifier", _explain(known, news))])

    def create(self, props: Any) -> CreateResult:
        return CreateResult("cluster-identity", props)

    def update(self, _id: str, _olds: Any, _news: Any) -> UpdateResult:
        return UpdateResult(_news)

    def diff(self, _id: str, _olds: Any, _news: Any) -> DiffResult:
        return DiffResult(changes=any(_olds.get(key) != _news.get(key) for key in ("identifier", "uid")))

    def read(self, id_: str, props: Any) -> ReadResult:
        return ReadResult(id_, props)


def _explain(known: str, news: Any) -> str:
    return (
        f"this stack was deployed to another cluster of the name {news['identifier']} (found kube-system {news['uid']} "
        f"behind {news['place']}, expected {known}); choose that cluster's context with `pulumi config set --path "
        "'qwen-infra:cluster.context' <context>`, or, to move the stack, give this cluster another identifier"
    )


class ClusterIdentity(Resource, module="qwen", name="ClusterIdentity"):
    """The cluster of a stack: the name that the stack file gives it, and the UID that it has."""

    uid: pulumi.Output[str]

    def __init__(self, identifier: str, uid: str, context: str | None) -> None:
        inputs = {"identifier": identifier, "uid": uid, "place": f"context {context}" if context else "current context"}
        options = pulumi.ResourceOptions(hide_diffs=["__provider"])
        super().__init__(ClusterIdentityProvider(), "cluster-identity", inputs, options)
