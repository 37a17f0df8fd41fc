"""Where the checks of a deployment keep their whole reports: ``results/<stack>/`` beside ``Pulumi.yaml``."""

import os
from pathlib import Path

__all__ = ["find_results_folder"]


def find_results_folder() -> Path:
    """``$QWEN_INFRA_RESULTS``, else ``results`` in the program's folder, which is the provider's working folder."""
    return Path(os.environ.get("QWEN_INFRA_RESULTS", "results"))
