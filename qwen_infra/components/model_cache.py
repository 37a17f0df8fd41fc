"""``qwen:infra:ModelCache``: the weights, where the server reads them, complete and verified.

Children: a claim (``cache.kind: pvc``), a ConfigMap with the downloader, a Job for each node, and ``WeightsReadiness``,
which waits for the Jobs. What depends on ``manifest_digest`` starts with whole files, or not at all.
"""

import hashlib
import json
from typing import Any

import pulumi

from qwen_infra.checks import CheckTarget, WeightsReadiness, WeightsReadinessProvider, require_passed
from qwen_infra.components.kubernetes_object import KubernetesObject
from qwen_infra.manifests import build_cache, decide_names
from qwen_infra.planning import DeploymentPlan

__all__ = ["ModelCache"]

KEPT_ANYWAY = "not downloaded by this stack"


class ModelCache(pulumi.ComponentResource):
    """Weights of one checkpoint at one revision.

    Produces: PersistentVolumeClaim, ConfigMap, Jobs (``qwen_infra.manifests.cache``), WeightsReadiness.
    """

    path: pulumi.Output[str]
    """Folder of the revision: on the nodes, or inside the claim."""
    revision: pulumi.Output[str]
    """The commit, as the download found it."""
    manifest_digest: pulumi.Output[str]
    """One value for the same files of the same commit; known only once every download is complete."""

    def __init__(
        self, name: str, plan: DeploymentPlan, target: CheckTarget, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("qwen:infra:ModelCache", name, None, opts)
        cache = plan.cache
        root = f"{cache.storage.path}/" if cache.storage.kind == "hostPath" else ""
        self.path = pulumi.Output.from_input(cache.mount_path if cache.runs_in_pod else f"{root}{cache.folder}")
        self.revision = pulumi.Output.from_input(cache.revision)
        self.manifest_digest = pulumi.Output.from_input(KEPT_ANYWAY)
        manifests = build_cache(plan, decide_names(plan))
        jobs = [manifest for manifest in manifests if manifest["kind"] == "Job"]
        others = [self._create(name, manifest) for manifest in manifests if manifest["kind"] != "Job"]
        if jobs:
            self._wait(name, plan, target, jobs, [self._create(name, job, others) for job in jobs])
        self.register_outputs({"path": self.path, "revision": self.revision, "manifestDigest": self.manifest_digest})

    def _create(
        self, name: str, manifest: dict[str, Any], depends_on: list[pulumi.Resource] | None = None
    ) -> pulumi.Resource:
        """A Job is never protected: it may be replaced at any time, and what it brought stays."""
        suffixes = {"PersistentVolumeClaim": "claim", "ConfigMap": "script"}
        suffix = suffixes.get(manifest["kind"], f"job-{manifest['metadata']['name'].rpartition('-')[2]}")
        protect = False if manifest["kind"] == "Job" else None
        options = pulumi.ResourceOptions(parent=self, depends_on=depends_on, protect=protect)
        return KubernetesObject(f"{name}-{suffix}", manifest, options)

    def _wait(
        self,
        name: str,
        plan: DeploymentPlan,
        target: CheckTarget,
        jobs: list[dict[str, Any]],
        created: list[pulumi.Resource],
    ) -> None:
        inputs = {
            "triggers": {job["metadata"]["name"]: _digest(job["spec"]) for job in jobs},
            "target": target.as_inputs(),
            "options": {
                "jobs": [job["metadata"]["name"] for job in jobs],
                "timeout_s": plan.cache.storage.timeout_minutes * 60,
            },
        }
        check = WeightsReadiness(
            f"{name}-weights", WeightsReadinessProvider(), inputs=inputs, parent=self, depends_on=created
        )
        ready = require_passed(check)
        self.revision = pulumi.Output.all(ready, check.details).apply(
            lambda found: str(found[1].get("commit", "unknown"))
        )
        self.manifest_digest = pulumi.Output.all(ready, check.details).apply(
            lambda found: str(found[1].get("digest", "unknown"))
        )


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
