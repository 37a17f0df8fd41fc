"""``qwen:infra:InferenceEndpoint``: the address that clients use, proven to answer correctly and fast enough.

Children: the Service, its NetworkPolicy and what else the stack file asks for (route, InferencePool, monitor,
dashboard, autoscaler), ``VerificationCheck``, ``BenchmarkCheck``; each check runs only when the one before has passed.
With ``rollout: blueGreen`` whatever leads clients to the pods follows the checks instead of going before them.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import pulumi

from qwen_infra.benchmark.gate import Gate, build_gate
from qwen_infra.checks import (
    BenchmarkCheck,
    BenchmarkProvider,
    Check,
    VerificationCheck,
    VerificationProvider,
    require_passed,
)
from qwen_infra.components.benchmark_options import build_benchmark_options
from qwen_infra.components.kubernetes_object import KubernetesObject
from qwen_infra.components.vllm_server import (
    VllmServer,
    check_target,
    generation_options,
    resource_name,
    tell_what_serves,
)
from qwen_infra.manifests import build_endpoint, decide_names, tell_external_url
from qwen_infra.planning import DeploymentPlan, expect_server
from qwen_infra.verification import select_cases
from qwen_infra.versions import RESULT_VERSION, SUITE_VERSION

if TYPE_CHECKING:
    from qwen_infra.verification import Level

__all__ = ["InferenceEndpoint"]

SCHEDULE = "verification-schedule"
"""Made last: while there is no server yet, each run would fail, and alarm somebody."""
MOVING_PARTS = {"autoscaler": "scaleTargetRef", "inference-pool": "selector", "service": "selector"}
"""What leads to the pods of one generation, by the field of its spec that names them; in the order of their moving."""


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
        self._name, self._plan = name, plan
        self._checks: list[Check] = []
        parts = build_endpoint(plan, names)
        schedule = parts.pop(SCHEDULE, None)
        moving = [part for part in MOVING_PARTS if part in parts] if plan.server.rollout.is_gated else []
        objects = [self._create(part, manifest) for part, manifest in parts.items() if part not in moving]
        self.url = pulumi.Output.from_input(f"http://{names.service}.{names.namespace}.svc:{plan.endpoint.port}")
        self.verification = self.benchmark = self.made_with = pulumi.Output.from_input("not checked")
        self.figures = pulumi.Output.from_input({})
        passed = server.ready
        if plan.verification.level != "off":
            passed = self._verify(passed, server, objects)
        gate = build_gate(plan.benchmark)
        if gate is not None:
            passed = self._measure(gate, passed, server, objects)
        before: list[pulumi.Resource] = [server, *self._checks]
        for part in moving:
            before.append(self._move(part, parts[part], passed, before))
        if schedule is not None:
            self._create(SCHEDULE, schedule, before)
        self.external_url = self._status.apply(lambda status: tell_external_url(plan, status))
        self.register_outputs(
            {
                "url": self.url,
                "externalUrl": self.external_url,
                "verification": self.verification,
                "benchmark": self.benchmark,
                "madeWith": self.made_with,
            }
        )

    def _create(
        self, part: str, manifest: Mapping[str, Any], depends_on: Sequence[pulumi.Resource] = ()
    ) -> KubernetesObject:
        options = pulumi.ResourceOptions(parent=self, depends_on=list(depends_on))
        found = f"{self._name}-{part}"
        if part == "autoscaler":  # of one generation, as is the number of its pods
            options = pulumi.ResourceOptions.merge(options, generation_options(self._plan, self))
            found = resource_name(self._plan, self._name, part)
        made = KubernetesObject(found, manifest, options)
        if part == "service":
            self._status = made.status
        return made

    def _move(
        self, part: str, manifest: dict[str, Any], passed: pulumi.Output[str], depends_on: Sequence[pulumi.Resource]
    ) -> KubernetesObject:
        """Write an object once the checks have passed; a preview shows it as it would be."""
        field = MOVING_PARTS[part]
        if not pulumi.runtime.is_dry_run():
            target = manifest["spec"][field]
            manifest = {**manifest, "spec": {**manifest["spec"], field: passed.apply(lambda _: target)}}
        return self._create(part, manifest, depends_on)

    def _verify(
        self, after: pulumi.Output[str], server: VllmServer, objects: list[KubernetesObject]
    ) -> pulumi.Output[str]:
        plan = self._plan
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
                **_server_triggers(plan, server),
                "suite": SUITE_VERSION,
                "level": level,
                "cases": f"{' '.join(settings.include)} without {' '.join(settings.exclude)}",
            },
            "target": check_target(plan).as_inputs(),
            "options": options,
            "after": after,
        }
        check = VerificationCheck(
            resource_name(plan, self._name, "verification"),
            VerificationProvider(),
            inputs=inputs,
            parent=self,
            depends_on=[*objects, server],
        )
        self._checks.append(check)
        self.verification, self.made_with = check.summary, check.made_with
        return require_passed(check, consequence=tell_what_serves(plan))

    def _measure(
        self, gate: Gate, after: pulumi.Output[str], server: VllmServer, objects: list[KubernetesObject]
    ) -> pulumi.Output[str]:
        plan = self._plan
        inputs = {
            "triggers": {**_server_triggers(plan, server), "metrics": RESULT_VERSION, **gate.triggers()},
            "target": check_target(plan).as_inputs(),
            "options": build_benchmark_options(plan, gate, stack=pulumi.get_stack()),
            "after": after,
        }
        check = BenchmarkCheck(
            resource_name(plan, self._name, "benchmark"),
            BenchmarkProvider(),
            inputs=inputs,
            parent=self,
            depends_on=[*objects, server],
        )
        self._checks.append(check)
        self.benchmark, self.figures = check.summary, check.details
        self.made_with = check.made_with
        return require_passed(check, consequence=tell_what_serves(plan))


def _server_triggers(plan: DeploymentPlan, server: VllmServer) -> dict[str, pulumi.Input[str]]:
    """What makes an earlier proof worthless when it changes: any change of the pods or weights, wherever it comes from.

    The digests of ``server.pods`` decide (docs/adr/0109); the others are there to be read, and for what no pod tells.
    """
    planned = plan.server
    return {
        **server.pods,
        "image": planned.image,
        "arguments": " ".join(planned.arguments.command()),
        "revision": f"{plan.cache.repository}@{plan.cache.revision}",
        "gpu": f"{planned.gpu.count} x {planned.gpu.product_label}",
        "replicas": str(planned.replicas),
        "cluster": plan.cluster.identifier,
        "service": f"{plan.cluster.namespace}/{plan.endpoint.service_name}:{plan.endpoint.port}",
    }
