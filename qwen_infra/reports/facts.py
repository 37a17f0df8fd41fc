"""What is deployed, as rows: what the stack file says now beside what the newest run was made with."""

from dataclasses import dataclass

from qwen_infra.benchmark import DeploymentFacts
from qwen_infra.planning import DeploymentPlan
from qwen_infra.reports.subjects import Subject

__all__ = ["Fact", "list_facts"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One row; ``differs`` when both are known and are not the same."""

    name: str
    planned: str | None
    measured: str | None
    is_long: bool = False

    @property
    def differs(self) -> bool:
        return None not in (self.planned, self.measured) and self.planned != self.measured


def list_facts(subject: Subject) -> tuple[Fact, ...]:
    """Every row of which either side is known."""
    planned, measured = _planned(subject.plan), _measured(subject)
    names = dict.fromkeys([*planned, *measured])
    rows = [Fact(name, planned.get(name), measured.get(name), name == "command line") for name in names]
    return tuple(row for row in rows if row.planned is not None or row.measured is not None)


def _planned(plan: DeploymentPlan | None) -> dict[str, str | None]:
    if plan is None:
        return {}
    server, fit = plan.server, plan.fit
    return {
        "model": plan.model_name,
        "precision": fit.request.precision,
        "checkpoint": f"{plan.cache.repository}@{plan.cache.revision}",
        "served as": server.arguments.served_model_name,
        "GPUs of a replica": f"{server.gpu.count} x {server.gpu.name}",
        "replicas": str(server.replicas),
        "context": f"{server.arguments.max_model_len:,} tokens",
        "full-length requests at once": f"{fit.max_concurrency:.1f} (predicted)",
        "start-up budget": f"{server.start.container_s} s",
        "image": server.image,
        "namespace and Service": f"{plan.cluster.namespace}/{plan.endpoint.service_name}:{plan.endpoint.port}",
        "command line": " ".join(server.arguments.command()),
    }


def _measured(subject: Subject) -> dict[str, str | None]:
    run = next(iter(subject.benchmarks), None)
    report = subject.verifications[-1].report if subject.verifications else None
    provenance = run.result.provenance if run else (report.provenance if report else None)
    if provenance is None:
        return {}
    facts = run.result.deployment if run else DeploymentFacts()
    gpus = f"{facts.gpus} x {facts.gpu}" if facts.gpus and facts.gpu else None
    length = None if provenance.simulated else provenance.max_model_len  # a stand-in has its own
    return {
        "model": facts.model,
        "precision": facts.precision,
        "checkpoint": facts.revision,
        "served as": subject.served_name,
        "GPUs of a replica": gpus,
        "replicas": str(facts.replicas) if facts.replicas else None,
        "context": None if length is None else f"{length:,} tokens",
        "image": facts.image,
        "what answered": provenance.description,
        "server version": provenance.server_version,
        "reached by": run.result.reached_by if run else None,
        "command line": facts.arguments,
    }
