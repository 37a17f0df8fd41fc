"""Every Kubernetes name and label, decided before any resource exists."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from qwen_infra.planning import DeploymentPlan

__all__ = ["MANAGED_BY", "STACK_LABEL", "Names", "decide_names"]

MANAGED_BY = "qwen-infra"
STACK_LABEL = "qwen-infra.dev/stack"
"""Which stack owns an object, so that two stacks never take each other's."""


@dataclass(frozen=True)
class Names:
    """Names of one deployment's objects; all derive from the server's name, so two models never collide."""

    namespace: str
    server: str
    service: str
    key_secret: str
    claim: str
    downloads: Mapping[str, str]
    """Host name, or nothing for wherever the scheduler puts it, to the name of the Job that downloads there."""
    download_script: str
    guard: str
    benchmark: str = ""
    verification: str = ""
    stack: str = ""

    @property
    def selector(self) -> dict[str, str]:
        """Labels by which the Deployment and the Service find the server's pods; never change after a release."""
        return {"app": self.server}

    @property
    def labels(self) -> dict[str, str]:
        """Labels of every object."""
        owner = {STACK_LABEL: self.stack} if self.stack else {}
        common = {"app.kubernetes.io/managed-by": MANAGED_BY, "app.kubernetes.io/part-of": self.server}
        return {**self.selector, **common, **owner}

    @property
    def dashboard_uid(self) -> str:
        """Grafana takes at most 40 characters, and one dashboard for each."""
        return hashlib.sha256(f"{self.namespace}/{self.server}".encode()).hexdigest()[:16]


def decide_names(plan: DeploymentPlan) -> Names:
    """Names for a plan."""
    server = plan.server.name
    return Names(
        namespace=plan.cluster.namespace,
        server=server,
        service=plan.endpoint.service_name,
        key_secret=plan.endpoint.key_secret.secret_name,
        claim=f"{server}-models",
        downloads={node: _download_name(plan, node) for node in plan.cache.nodes or ("",)},
        download_script=f"{server}-download-script",
        guard=f"{server}-guard",
        benchmark=f"{server}-benchmark",
        verification=f"{server}-verification",
        stack=plan.stack,
    )


def _download_name(plan: DeploymentPlan, node: str) -> str:
    """Ends with a digest of what is fetched where: another revision, or another node, is another Job."""
    what = f"{plan.cache.repository}@{plan.cache.revision}@{node}"
    return f"{plan.server.name}-download-{hashlib.sha256(what.encode()).hexdigest()[:8]}"
