"""What ``pulumi stack export`` says of a stack after ``up``, made of the stack's own plan."""

from collections.abc import Mapping
from typing import Any

from qwen_infra.manifests import render_objects
from qwen_infra.planning import DeploymentPlan, summarise_plan

UPDATED = "2026-11-24T07:00:01.5Z"
MOMENT = "20261124T070000.000000Z-0a1b2c3d"


def export_of(plan: DeploymentPlan, *, without: tuple[str, ...] = (), failed: str = "", moment: str = MOMENT) -> Any:
    """The export; ``without`` names checks that never ran, ``failed`` one whose last run failed."""
    name, urn = plan.server.name, "urn:pulumi:s::qwen-infra::"
    server = f"{urn}qwen:infra:VllmServer::{name}"
    workload = next(item for item in render_objects(plan) if item["kind"] in {"Deployment", "LeaderWorkerSet"})
    kind = f"kubernetes:{workload['apiVersion']}:{workload['kind']}"
    resources = [
        {"urn": f"{urn}pulumi:pulumi:Stack::qwen-infra-s", "type": "pulumi:pulumi:Stack"},
        {
            "urn": f"{urn}pulumi:providers:kubernetes::cluster",
            "type": "pulumi:providers:kubernetes",
            "inputs": {"clusterIdentifier": plan.cluster.identifier},
        },
        {"urn": server, "type": "qwen:infra:VllmServer", "inputs": {"plan": summarise_plan(plan)}},
        {
            "urn": f"{urn}qwen:infra:InferenceEndpoint::{name}-endpoint",
            "type": "qwen:infra:InferenceEndpoint",
            "outputs": {"url": f"http://{plan.endpoint.service_name}:8000"},
        },
        {"urn": f"{urn}{kind}::{name}-deployment", "type": kind, "parent": server, "inputs": workload},
    ]
    checks = {"weights": f"{name}-cache-weights", "readiness": f"{name}-readiness"}
    checks |= {kind: f"{name}-endpoint-{kind}" for kind in ("verification", "benchmark")}
    types = {
        "weights": "WeightsReadiness",
        "readiness": "ServerReadiness",
        "verification": "VerificationCheck",
        "benchmark": "BenchmarkCheck",
    }
    for check, resource in checks.items():
        if check not in without:
            resources.append(_check(urn, types[check], resource, check, passed=check != failed, moment=moment))
    return {"version": 3, "deployment": {"manifest": {"time": UPDATED}, "resources": resources}}


def _check(urn: str, kind: str, resource: str, check: str, *, passed: bool, moment: str) -> Mapping[str, Any]:
    return {
        "urn": f"{urn}pulumi-python:dynamic/qwen:{kind}::{resource}",
        "type": f"pulumi-python:dynamic/qwen:{kind}",
        "outputs": {
            "passed": passed,
            "summary": f"{check} {'passed' if passed else 'failed'}",
            "details": {}
            if check in {"weights", "readiness"}
            else {"result": f"{check}-{moment}.json", "simulated": True},
        },
    }
