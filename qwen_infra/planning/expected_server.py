"""What the plan expects of the server that runs, for the verification to compare: plain JSON values."""

import re
from typing import Any

from qwen_infra.planning.deployment_plan import DeploymentPlan

__all__ = ["expect_server"]


def expect_server(plan: DeploymentPlan) -> dict[str, Any]:
    """Fields of ``qwen_infra.verification.DeployedServer``; what the plan does not know is left out."""
    server = plan.server
    version = re.search(r":v(\d+\.\d+\.\d+)", server.image)
    digest = re.search(r"@(sha256:[0-9a-f]{64})$", server.image)
    found = {
        "version": version and version[1],
        "image_digest": digest and digest[1],
        "model_root": server.arguments.model_path,
        "max_model_len": server.arguments.max_model_len,
        "takes_images": not server.arguments.text_only,
        "num_gpu_blocks": plan.fit.num_blocks or None,
        "repository": plan.cache.repository if plan.cache.storage.download else None,
        "revision": plan.cache.revision if plan.cache.storage.download else None,
        "open_paths": list(plan.endpoint.open_paths),
    }
    return {key: value for key, value in found.items() if value is not None}
