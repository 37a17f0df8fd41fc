"""What every stack runs and how it is: state, stack file and, where asked, the pods; all stacks at the same time."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from qwen_infra.drift import Difference, judge_age
from qwen_infra.errors import QwenInfraError
from qwen_infra.fleet.running import Seen
from qwen_infra.fleet.state import DeployedServer, StackState, export_stack, read_state
from qwen_infra.planning import DeploymentPlan, make_plans, summarise_plan
from qwen_infra.settings import load_stack_deployments

__all__ = ["Condition", "Look", "StackStatus", "list_failures", "read_all", "read_status"]

Condition = Literal["ok", "behind", "drifted", "failed", "absent", "unreachable", "unreadable"]
"""In one word: as deployed; the stack file asks for something else; what runs is not what was deployed; the last
deployment failed or was interrupted; never deployed; the cluster, or the state or the stack file, cannot be read."""
Look = Callable[[Sequence[DeploymentPlan], StackState], Seen]
"""Looks at what runs; raises QwenInfraError where it cannot."""
PARALLEL = 8
"""Stacks looked at together; each is a process of Pulumi's (about 90 MiB) and one of kubectl's."""


@dataclass(frozen=True)
class StackStatus:
    """One stack: its condition, the reasons for it, one sentence each, and what the state says."""

    stack: str
    condition: Condition
    state: StackState
    reasons: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    environment: str = ""
    cluster: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
    """Of the image that a server's pods run, by the server; only where the pods were looked at and say it."""


def read_all(
    stacks: Sequence[str], folder: Path, look: Look, now: datetime, max_age_days: float
) -> tuple[StackStatus, ...]:
    """The status of each stack, in the order asked for."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        return tuple(pool.map(lambda stack: read_status(stack, folder, look, now, max_age_days), stacks))


def read_status(stack: str, folder: Path, look: Look, now: datetime, max_age_days: float) -> StackStatus:
    """The status of one stack; what cannot be read is a condition, never an exception."""
    plans: tuple[DeploymentPlan, ...] = ()
    problem = ""
    try:
        plans = make_plans(load_stack_deployments(folder, stack), stack)
    except QwenInfraError as error:
        problem = str(error)
    where = (plans[0].environment or "", plans[0].cluster.identifier) if plans else ("", "")
    try:
        export = export_stack(stack, folder)
    except QwenInfraError as error:
        return StackStatus(stack, "unreadable", StackState(stack), (problem, str(error)) if problem else (str(error),))
    state = read_state(stack, export or {})
    environment, cluster = where[0] or state.environment, where[1] or state.cluster
    if problem:
        return StackStatus(stack, "unreadable", state, (problem,), (), environment, cluster)
    if not state.servers and not state.pending:
        return StackStatus(stack, "absent", state, (_explain_absence(stack, export is None),), (), environment, cluster)
    condition, reasons, seen = _judge(plans, state, look, now, max_age_days)
    return StackStatus(stack, condition, state, reasons, seen.differences, environment, cluster, seen.digests)


def _explain_absence(stack: str, is_unknown: bool) -> str:
    begin = f"pulumi stack init {stack}, then " if is_unknown else ""
    return f"never deployed. To deploy it: {begin}pulumi up --stack {stack}"


def _judge(
    plans: Sequence[DeploymentPlan], state: StackState, look: Look, now: datetime, max_age_days: float
) -> tuple[Condition, tuple[str, ...], Seen]:
    """The worst of what holds; the reasons of everything that holds."""
    failures = list_failures(state)
    pending = _list_pending_changes(plans, state)
    unreachable = ""
    seen = Seen()
    try:
        seen = look(plans, state)
    except QwenInfraError as error:
        unreachable = str(error)
    seen = Seen((*seen.differences, *_list_old_checks(state, now, max_age_days)), seen.digests)
    told = (*failures, *([unreachable] if unreachable else ()), *pending)
    if failures:
        return "failed", told, seen
    if unreachable:
        return "unreachable", told, seen
    return ("drifted" if seen.differences else "behind" if pending else "ok"), told, seen


def list_failures(state: StackState) -> tuple[str, ...]:
    """Why the last deployment is not whole: an interrupted operation, a server without pods, a failed check."""
    interrupted = [f"interrupted while {each}: run pulumi up --stack {state.stack}" for each in state.pending]
    return (*interrupted, *(found for server in state.servers for found in _list_server_failures(server)))


def _list_server_failures(server: DeployedServer) -> list[str]:
    failed = [f"{server.name}: {check.summary}" for check in server.checks if not check.passed]
    if failed or server.readiness is not None:
        return failed
    return [f"{server.name}: the deployment ended before the server was ready"]


def _list_pending_changes(plans: Sequence[DeploymentPlan], state: StackState) -> list[str]:
    deployed = {server.name: server for server in state.servers}
    wanted = {plan.server.name: plan for plan in plans}
    mend = f"run pulumi up --stack {state.stack}"
    found = [f"{name} is in the stack file and not deployed: {mend}" for name in sorted(wanted.keys() - deployed)]
    found += [f"{name} is deployed and not in the stack file: {mend}" for name in sorted(deployed.keys() - wanted)]
    for name in sorted(wanted.keys() & deployed.keys()):
        changed = _list_changed(wanted[name], deployed[name])
        if changed:
            found.append(f"the stack file changes {', '.join(changed)} of {name}: {mend}")
    return found


def _list_changed(plan: DeploymentPlan, server: DeployedServer) -> list[str]:
    summary = summarise_plan(plan)
    changed = [key.replace("_", " ") for key, value in summary.items() if server.plan.get(key) != value]
    return [*changed, *(["image"] if server.image not in {"", plan.server.image} else [])]


def _list_old_checks(state: StackState, now: datetime, max_age_days: float) -> list[Difference]:
    return [
        each
        for server in state.servers
        for kind, check in (("verification", server.verification), ("benchmark", server.benchmark))
        if check is not None and check.result is not None
        for each in judge_age(check.name, kind, check.result, now, max_age_days, state.stack)
    ]
