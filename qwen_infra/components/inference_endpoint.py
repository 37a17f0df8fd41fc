"""``qwen:infra:InferenceEndpoint``: the address that clients use, proven to answer correctly and fast enough.

Children: the Service, its NetworkPolicy and what else the stack file asks for (route, InferencePool, monitor,
dashboard, autoscaler), ``VerificationCheck``, ``BenchmarkCheck``; each check runs only when the one before has passed.
"""

from typing import TYPE_CHECKING, Any, cast

import pulumi

from qwen_infra.benchmark.gate import Gate, build_gate
from qwen_infra.checks import (
    BenchmarkCheck,
    BenchmarkProvider,
    VerificationCheck,
    VerificationProvider,
    require_passed,
)
from qwen_infra.components.benchmark_options import build_benchmark_options
from qwen_infra.components.kubernetes_object import KubernetesObject
from qwen_infra.components.vllm_server import VllmServer, check_target
from qwen_infra.manifests import build_endpoint, decide_names, tell_external_url
from qwen_infra.planning import DeploymentPlan, expect_server
from qwen_infra.verification import select_cases
from qwen_infra.versions import RESULT_VERSION, SUITE_VERSION

if TYPE_CHECKING:
    from qwen_infra.verification import Level

__all__ = ["InferenceEndpoint"]


class InferenceEndpoint(pulumi.ComponentResource):
    """A Service and the ways to it, verified and benchmarked.

    Produces: the objects of ``qwen_infra.manifests.endpoint``, VerificationCheck, BenchmarkCheck.
    """

    url: pulumi.Output[str]
    """Address inside the cluster."""
    external_url: pulumi.Output[str]
    """Address outside of it; empty where there is no way in."""
    verification: pulumi.Output[str]
    benchmark: pulumi.Output[str]
    made_with: pulumi.Output[str]
    """What answered the checks: a GPU, a miniature on the CPU, or the simulator."""
    figures: pulumi.Output[dict[str, Any]]

    def __init__(
        self, name: str, plan: DeploymentPlan, server: VllmServer, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("qwen:infra:InferenceEndpoint", name, None, opts)
        names = decide_names(plan)
        options = pulumi.ResourceOptions(parent=self)
        parts = {
            part: KubernetesObject(f"{name}-{part}", manifest, options)
            for part, manifest in build_endpoint(plan, names).items()
        }
        objects = list(parts.values())
        self.url = pulumi.Output.from_input(f"http://{names.service}.{names.namespace}.svc:{plan.endpoint.port}")
        self.external_url = parts["service"].status.apply(lambda status: tell_external_url(plan, status))
        self.verification = self.benchmark = self.made_with = pulumi.Output.from_input("not checked")
        self.figures = pulumi.Output.from_input({})
        passed = server.ready
        if plan.verification.level != "off":
            passed = self._verify(name, plan, passed, [*objects, server])
        gate = build_gate(plan.benchmark)
        if gate is not None:
            self._measure(name, plan, gate, passed, [*objects, server])
        self.register_outputs(
            {
                "url": self.url,
                "externalUrl": self.external_url,
                "verification": self.verification,
                "benchmark": self.benchmark,
                "madeWith": self.made_with,
            }
        )

    def _verify(
        self, name: str, plan: DeploymentPlan, after: pulumi.Output[str], depends_on: list[pulumi.Resource]
    ) -> pulumi.Output[str]:
        settings = plan.verification
        level = cast("Level", settings.level)
        select_cases(level, include=settings.include, exclude=settings.exclude)  # refuses unknown ids, in previews too
        options = {
            "level": level,
            "include": list(settings.include),
            "exclude": list(settings.exclude),
            "soak_s": settings.soak_minutes * 60,
            "expected": expect_server(plan),
            "thinking_by_default": plan.server.arguments.thinks_by_default,
            "stack": pulumi.get_stack(),
        }
        inputs = {
            "triggers": {
                **_server_triggers(plan),
                "suite": SUITE_VERSION,
                "level": level,
                "cases": f"{' '.join(settings.include)} without {' '.join(settings.exclude)}",
            },
            "target": check_target(plan).as_inputs(),
            "options": options,
            "after": after,
        }
        check = VerificationCheck(
            f"{name}-verification", VerificationProvider(), inputs=inputs, parent=self, depends_on=depends_on
        )
        self.verification, self.made_with = check.summary, check.made_with
        return require_passed(check)

    def _measure(
        self,
        name: str,
        plan: DeploymentPlan,
        gate: Gate,
        after: pulumi.Output[str],
        depends_on: list[pulumi.Resource],
    ) -> None:
        inputs = {
            "triggers": {**_server_triggers(plan), "metrics": RESULT_VERSION, **gate.triggers()},
            "target": check_target(plan).as_inputs(),
            "options": build_benchmark_options(plan, gate, stack=pulumi.get_stack()),
            "after": after,
        }
        check = BenchmarkCheck(
            f"{name}-benchmark", BenchmarkProvider(), inputs=inputs, parent=self, depends_on=depends_on
        )
        self.benchmark, self.figures = check.summary, check.details
        self.made_with = check.made_with
        require_passed(check)


def _server_triggers(plan: DeploymentPlan) -> dict[str, str]:
    """What makes an earlier proof worthless when it changes."""
    server = plan.server
    return {
        "image": server.image,
        "arguments": " ".join(server.arguments.command()),
        "revision": f"{plan.cache.repository}@{plan.cache.revision}",
        "gpu": f"{server.gpu.count} x {server.gpu.product_label}",
        "replicas": str(server.replicas),
        "cluster": plan.cluster.identifier,
        "service": f"{plan.cluster.namespace}/{plan.endpoint.service_name}:{plan.endpoint.port}",
    }
