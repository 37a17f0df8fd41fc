"""What Prometheus and Grafana find: a ServiceMonitor or PodMonitor, and a dashboard in a ConfigMap.

Metric names are those of vLLM 0.32 (``v1/metrics/loggers.py``).
"""

import json
from typing import Any, NamedTuple

from qwen_infra.manifests.names import Names
from qwen_infra.manifests.service import OWN_SERVICE_LABEL
from qwen_infra.planning import DeploymentPlan
from qwen_infra.planning.rollout import GREEN
from qwen_infra.settings import MonitoringSettings

__all__ = ["build_dashboard", "build_monitor", "select_pods"]


class Panel(NamedTuple):
    """One graph: its title, Grafana's unit, and a PromQL expression for each line; ``$pods`` selects the server's."""

    title: str
    unit: str
    lines: tuple[tuple[str, str], ...]


def _quantiles(metric: str) -> tuple[tuple[str, str], ...]:
    rate = f"sum by (le) (rate({metric}_bucket{{$pods}}[$__rate_interval]))"
    return tuple((f"p{percent}", f"histogram_quantile({percent / 100}, {rate})") for percent in (50, 95, 99))


PANELS = (
    Panel("Time to first token", "s", _quantiles("vllm:time_to_first_token_seconds")),
    Panel("Time per output token", "s", _quantiles("vllm:request_time_per_output_token_seconds")),
    Panel("Time of a request", "s", _quantiles("vllm:e2e_request_latency_seconds")),
    Panel(
        "Requests",
        "short",
        (
            ("running", "sum(vllm:num_requests_running{$pods})"),
            ("waiting", "sum(vllm:num_requests_waiting{$pods})"),
        ),
    ),
    Panel(
        "Tokens per second",
        "short",
        (
            ("prompt", "sum(rate(vllm:prompt_tokens_total{$pods}[$__rate_interval]))"),
            ("generated", "sum(rate(vllm:generation_tokens_total{$pods}[$__rate_interval]))"),
        ),
    ),
    Panel("KV cache in use", "percentunit", (("{{pod}}", "vllm:kv_cache_usage_perc{$pods}"),)),
    Panel(
        "Prefix cache hits",
        "percentunit",
        (
            (
                "hit rate",
                "sum(rate(vllm:prefix_cache_hits_total{$pods}[$__rate_interval])) / "
                "sum(rate(vllm:prefix_cache_queries_total{$pods}[$__rate_interval]))",
            ),
        ),
    ),
    Panel(
        "Requests ended, by reason",
        "reqps",
        (
            (
                "{{finished_reason}}",
                "sum by (finished_reason) (rate(vllm:request_success_total{$pods}[$__rate_interval]))",
            ),
        ),
    ),
    Panel("Preemptions", "short", (("per second", "sum(rate(vllm:num_preemptions_total{$pods}[$__rate_interval]))"),)),
)
COLUMNS, WIDTH, HEIGHT = 3, 8, 8
"""Of Grafana's grid, which has 24 columns."""


def select_pods(names: Names, generation: str) -> str:
    """PromQL's labels for the pods of a generation, and of no other server whose name begins alike.

    Pods are named ``NAME-HASH-ID`` by a Deployment, ``NAME-GROUP`` or ``NAME-GROUP-RANK`` by a LeaderWorkerSet.
    """
    return f'namespace="{names.namespace}",pod=~"{generation}-([0-9]+|[0-9]+-[0-9]+|[a-z0-9]+-[a-z0-9]{{5}})"'


def build_monitor(plan: DeploymentPlan, names: Names, monitoring: MonitoringSettings) -> dict[str, Any]:
    """The monitor; it sends the API key, since ``/metrics`` needs it too."""
    secret = plan.endpoint.key_secret
    endpoint = {
        "port": "http",
        "path": "/metrics",
        "interval": f"{monitoring.interval_seconds}s",
        "authorization": {"type": "Bearer", "credentials": {"name": secret.secret_name, "key": secret.key}},
    }
    is_service = monitoring.kind == "serviceMonitor"
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor" if is_service else "PodMonitor",
        "metadata": {
            "name": names.server,
            "namespace": names.namespace,
            "labels": {**names.labels, **monitoring.labels},
        },
        "spec": {
            "selector": _select(plan, names, is_service=is_service),
            "endpoints" if is_service else "podMetricsEndpoints": [endpoint],
        },
    }


def _select(plan: DeploymentPlan, names: Names, *, is_service: bool) -> dict[str, Any]:
    """Every generation, each pod by one Service: its own where generations follow each other, else the endpoint's."""
    if is_service and not plan.server.rollout.is_gated:
        return {"matchLabels": {"app": names.server}}
    if is_service:
        return {"matchLabels": {**names.family_selector, OWN_SERVICE_LABEL: "true"}}
    return {"matchLabels": names.family_selector}


def build_dashboard(plan: DeploymentPlan, names: Names, monitoring: MonitoringSettings) -> dict[str, Any]:
    """The ConfigMap that Grafana's sidecar loads."""
    pods = select_pods(names, f"{names.server}(-{GREEN})?")
    dashboard = {
        "title": f"{plan.server.arguments.served_model_name} ({names.namespace}/{names.server})",
        "uid": names.dashboard_uid,
        "tags": ["qwen-infra", "vllm"],
        "timezone": "browser",
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "panels": [_panel(at, panel, pods) for at, panel in enumerate(PANELS)],
    }
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": f"{names.server}-dashboard",
            "namespace": names.namespace,
            "labels": {**names.labels, **monitoring.dashboard_labels},
        },
        "data": {f"{names.server}.json": json.dumps(dashboard, indent=1)},
    }


def _panel(at: int, panel: Panel, pods: str) -> dict[str, Any]:
    row, column = divmod(at, COLUMNS)
    targets = [
        {"refId": chr(ord("A") + number), "expr": expression.replace("$pods", pods), "legendFormat": legend}
        for number, (legend, expression) in enumerate(panel.lines)
    ]
    return {
        "id": at + 1,
        "type": "timeseries",
        "title": panel.title,
        "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": targets,
    }
