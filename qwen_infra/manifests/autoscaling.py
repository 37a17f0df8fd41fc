"""More replicas while requests wait or the KV cache is full: a KEDA ScaledObject or a HorizontalPodAutoscaler."""

from typing import Any

from qwen_infra.manifests.monitoring import select_pods
from qwen_infra.manifests.names import Names
from qwen_infra.planning import DeploymentPlan
from qwen_infra.settings import AutoscalingSettings

__all__ = ["build_autoscaler"]


def build_autoscaler(plan: DeploymentPlan, names: Names, scaling: AutoscalingSettings) -> dict[str, Any]:
    """The autoscaler of the server; it owns ``replicas``, which the server's manifest then leaves out."""
    is_group = plan.server.nodes_per_replica > 1
    target = {
        "apiVersion": "leaderworkerset.x-k8s.io/v1" if is_group else "apps/v1",
        "kind": "LeaderWorkerSet" if is_group else "Deployment",
        "name": names.generation,
    }
    build = _scaled_object if scaling.kind == "keda" else _horizontal_pod_autoscaler
    return build(names, scaling, target)


def _metadata(names: Names) -> dict[str, Any]:
    return {"name": names.generation, "namespace": names.namespace, "labels": names.generation_labels}


def _behaviour(scaling: AutoscalingSettings) -> dict[str, Any]:
    """One replica at a time and slowly down: each loads its weights for minutes."""
    one = [{"type": "Pods", "value": 1, "periodSeconds": 60}]
    down = {"stabilizationWindowSeconds": min(scaling.cooldown_seconds, 3600), "policies": one}
    return {"scaleUp": {"policies": one}, "scaleDown": down}


def _scaled_object(names: Names, scaling: AutoscalingSettings, target: dict[str, Any]) -> dict[str, Any]:
    pods = select_pods(names, names.generation)
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": _metadata(names),
        "spec": {
            "scaleTargetRef": target,
            "minReplicaCount": scaling.min_replicas,
            "maxReplicaCount": scaling.max_replicas,
            "cooldownPeriod": scaling.cooldown_seconds,
            "advanced": {"horizontalPodAutoscalerConfig": {"behavior": _behaviour(scaling)}},
            "triggers": [
                _trigger(
                    scaling, "waiting", f"sum(vllm:num_requests_waiting{{{pods}}})", str(scaling.waiting_requests)
                ),
                # an average, not a sum to be divided by the replicas
                _trigger(scaling, "kv-cache", f"avg(vllm:kv_cache_usage_perc{{{pods}}})", str(scaling.kv_cache_usage))
                | {"metricType": "Value"},
            ],
        },
    }


def _trigger(scaling: AutoscalingSettings, name: str, query: str, threshold: str) -> dict[str, Any]:
    metadata = {"serverAddress": scaling.prometheus_url, "query": query, "threshold": threshold}
    return {"type": "prometheus", "name": name, "metadata": metadata}


def _horizontal_pod_autoscaler(names: Names, scaling: AutoscalingSettings, target: dict[str, Any]) -> dict[str, Any]:
    wanted = (
        (scaling.waiting_metric, str(scaling.waiting_requests)),
        (scaling.kv_cache_metric, f"{round(scaling.kv_cache_usage * 1000)}m"),
    )
    metrics = [
        {"type": "Pods", "pods": {"metric": {"name": name}, "target": {"type": "AverageValue", "averageValue": value}}}
        for name, value in wanted
    ]
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": _metadata(names),
        "spec": {
            "scaleTargetRef": target,
            "minReplicas": scaling.min_replicas,
            "maxReplicas": scaling.max_replicas,
            "behavior": _behaviour(scaling),
            "metrics": metrics,
        },
    }
