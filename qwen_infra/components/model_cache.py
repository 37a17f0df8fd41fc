"""``qwen:infra:ModelCache``: the weights, on the node or the claim from which the server reads them.

Children: a ConfigMap with the downloader and a Job that runs it; none when ``cache.download`` is false. Pulumi waits
for the Job, so whatever depends on this component starts with whole files.
"""

import pulumi

from qwen_infra.components.kubernetes_object import KubernetesObject
from qwen_infra.manifests import build_download_job, build_download_script, decide_names
from qwen_infra.planning import DeploymentPlan

__all__ = ["ModelCache"]


class ModelCache(pulumi.ComponentResource):
    """Weights of one checkpoint at one revision.

    Produces: ConfigMap, Job (``qwen_infra.manifests.download``).
    """

    path: pulumi.Output[str]
    """Folder of the checkpoint inside the storage."""
    revision: pulumi.Output[str]

    def __init__(self, name: str, plan: DeploymentPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("qwen:infra:ModelCache", name, None, opts)
        self.path = pulumi.Output.from_input(f"{plan.cache.storage.path}/{plan.cache.folder}")
        self.revision = pulumi.Output.from_input(plan.cache.revision)
        if plan.cache.storage.download:
            self._create_download(name, plan)
        self.register_outputs({"path": self.path, "revision": self.revision})

    def _create_download(self, name: str, plan: DeploymentPlan) -> None:
        names = decide_names(plan)
        timeout = f"{plan.cache.storage.timeout_minutes}m"
        script = KubernetesObject(f"{name}-script", build_download_script(names), pulumi.ResourceOptions(parent=self))
        options = pulumi.ResourceOptions(
            parent=self, depends_on=[script], custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout)
        )
        KubernetesObject(f"{name}-job", build_download_job(plan, names), options)
