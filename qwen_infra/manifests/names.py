"""Every Kubernetes name and label, decided before any resource exists."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from qwen_infra.planning import DeploymentPlan
from qwen_infra.planning.rollout import Slot, generation_name

__all__ = ["FAMILY_LABEL", "MANAGED_BY", "STACK_LABEL", "Names", "decide_names"]

MANAGED_BY = "qwen-infra"
STACK_LABEL = "qwen-infra.dev/stack"
"""Which stack owns an object, so that two stacks never take each other's."""
FAMILY_LABEL = "app.kubernetes.io/part-of"
"""The server's name, on the pods of every generation of it."""


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
    slot: Slot = ""

    @property
    def generation(self) -> str:
        """Name of the object that makes the pods, and of what belongs to just these pods."""
        return generation_name(self.server, self.slot)

    @property
    def own_service(self) -> str:
        """Service of one generation, through which it is checked before the endpoint moves to it."""
        return f"{self.generation}-check"

    @property
    def selector(self) -> dict[str, str]:
        """Labels by which the Deployment and the Service find the server's pods; never change after a release."""
        return {"app": self.generation}

    @property
    def family_selector(self) -> dict[str, str]:
        """A label of the pods of every generation."""
        return {FAMILY_LABEL: self.server}

    @property
    def labels(self) -> dict[str, str]:
        """Labels of every object that stays when one generation follows another."""
        return {"app": self.server, **self._common}

    @property
    def generation_labels(self) -> dict[str, str]:
        """Labels of one generation's pods and objects."""
        return {**self.selector, **self._common}

    @property
    def _common(self) -> dict[str, str]:
        owner = {STACK_LABEL: self.stack} if self.stack else {}
        return {"app.kubernetes.io/managed-by": MANAGED_BY, **self.family_selector, **owner}

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
        slot=plan.server.rollout.slot,
    )


def _download_name(plan: DeploymentPlan, node: str) -> str:
    """Ends with a digest of what is fetched where: another revision, or another node, is another Job."""
    what = f"{plan.cache.repository}@{plan.cache.revision}@{node}"
    return f"{plan.server.name}-download-{hashlib.sha256(what.encode()).hexdigest()[:8]}"
