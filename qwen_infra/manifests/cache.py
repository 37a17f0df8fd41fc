"""Everything that brings the weights: the claim, the downloader's text, and a Job for each node that gets them."""

from typing import Any

from qwen_infra.manifests.download import build_download_job, build_download_script
from qwen_infra.manifests.names import Names
from qwen_infra.manifests.storage import build_claim
from qwen_infra.planning import DeploymentPlan

__all__ = ["build_cache"]


def build_cache(plan: DeploymentPlan, names: Names) -> list[dict[str, Any]]:
    """In the order in which they are created."""
    found = [build_claim(plan, names)] if plan.cache.storage.kind == "pvc" else []
    if plan.cache.storage.download:
        found.append(build_download_script(names))
        if not plan.cache.runs_in_pod:
            found += [build_download_job(plan, names, node) for node in names.downloads]
    return found
