"""Download one revision of a Hub repository so that it arrives once, whole, and provably the right one.

The modules here import only the standard library, ``huggingface_hub`` and each other. ``bundle.py`` makes one file of
them, which runs inside the vLLM image from a ConfigMap (docs/adr/0030); the command line imports them as they are.
"""

from qwen_infra.download.bundle import bundle_downloader
from qwen_infra.download.exits import DownloadError, Exit
from qwen_infra.download.job import DownloadResult, describe_result, run_download
from qwen_infra.download.manifest import MANIFEST_NAME, Manifest, read_manifest
from qwen_infra.download.order import DownloadOrder
from qwen_infra.download.progress import choose_reporter
from qwen_infra.download.store import revision_folder_name

__all__ = [
    "MANIFEST_NAME",
    "DownloadError",
    "DownloadOrder",
    "DownloadResult",
    "Exit",
    "Manifest",
    "bundle_downloader",
    "choose_reporter",
    "describe_result",
    "read_manifest",
    "revision_folder_name",
    "run_download",
]
