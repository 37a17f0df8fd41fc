"""Whether each image of a stack is made for the processors of the nodes that will run it (arm64 on GB200)."""

from collections.abc import Mapping, Sequence

from qwen_infra.cluster.facts import ClusterFacts
from qwen_infra.doctor.finding import Finding, missing, ok, unknown
from qwen_infra.errors import QwenInfraError
from qwen_infra.placing import list_right_nodes
from qwen_infra.planning import DeploymentPlan
from qwen_infra.registry import parse_reference, resolve_image

__all__ = ["examine_images"]

ARCHITECTURE = "kubernetes.io/arch"


def examine_images(
    plans: Sequence[DeploymentPlan], facts: ClusterFacts, environment: Mapping[str, str]
) -> list[Finding]:
    """A row an image; the registry is asked with REGISTRY_USER and REGISTRY_PASSWORD where they are set."""
    wanted: dict[str, set[str]] = {}
    for plan in plans:
        nodes = list_right_nodes(plan, facts)
        found = {node.labels[ARCHITECTURE] for node in nodes if ARCHITECTURE in node.labels}
        wanted.setdefault(plan.server.image, set()).update(found)
    account = (environment.get("REGISTRY_USER"), environment.get("REGISTRY_PASSWORD"))
    return [_examine(image, architectures, account) for image, architectures in wanted.items()]


def _examine(image: str, nodes: set[str], account: tuple[str | None, str | None]) -> Finding:
    what = f"image {image}"
    user, password = account
    try:
        found = resolve_image(parse_reference(image), credentials=(user, password) if user and password else None)
    except QwenInfraError as error:
        return unknown(what, error.what, error.mend)
    has = ", ".join(found.architectures)
    lacking = sorted(nodes - set(found.architectures))
    if lacking:
        mend = f"pulumi config set --path 'qwen-infra:server.image' <an image for {' and '.join(lacking)}>"
        return missing(what, f"for {has}, but the nodes are {' and '.join(lacking)}", mend)
    if not nodes:
        return ok(what, f"for {has}; no node says its processor")
    return ok(what, f"for {has}, as the nodes need ({', '.join(sorted(nodes))})")
