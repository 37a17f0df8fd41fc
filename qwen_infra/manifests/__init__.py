"""From a plan to Kubernetes objects: pure functions that return JSON-ready dicts in Kubernetes' own words."""

from qwen_infra.manifests.benchmark import build_benchmark_job
from qwen_infra.manifests.cache import build_cache
from qwen_infra.manifests.endpoint import build_endpoint, build_key_secret, build_namespace
from qwen_infra.manifests.external_url import tell_external_url
from qwen_infra.manifests.guard import build_guard
from qwen_infra.manifests.names import Names, decide_names
from qwen_infra.manifests.rendering import render_objects, render_stack
from qwen_infra.manifests.server import build_deployment

__all__ = [
    "Names",
    "build_benchmark_job",
    "build_cache",
    "build_deployment",
    "build_endpoint",
    "build_guard",
    "build_key_secret",
    "build_namespace",
    "decide_names",
    "render_objects",
    "render_stack",
    "tell_external_url",
]
