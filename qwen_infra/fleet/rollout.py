"""A change rolled through the stacks in order: the next one is touched only when the gate of the one before has passed.

The gate of an environment: ``pulumi up`` succeeded (readiness, verification, benchmark with its SLOs), the state says
that every server was verified, and, after a bake time where one is asked for, the pods still are what was deployed.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from qwen_infra.doctor.programs import ask
from qwen_infra.errors import ConfigurationError, QwenInfraError
from qwen_infra.fleet.engine import Ended, run_engine
from qwen_infra.fleet.fingerprint import fingerprint
from qwen_infra.fleet.record import Entry, Outcome, Record
from qwen_infra.fleet.running import look_at_pods
from qwen_infra.fleet.state import StackState, export_stack, read_state
from qwen_infra.fleet.status import list_failures
from qwen_infra.planning import DeploymentPlan, make_plans
from qwen_infra.settings import load_stack_deployments

__all__ = ["Rollout", "Step", "judge_gate", "plan_rollout", "preview_rollout", "roll"]

Say = Callable[[str], None]


@dataclass(frozen=True)
class Step:
    """One stack of a rollout.

    ``result``: ``to do`` before it begins; ``skipped``: it passed with exactly this before, and nobody deployed since;
    ``waiting``: not touched, since one before it did not pass.
    """

    stack: str
    result: Literal["to do", "skipped", "passed", "failed", "interrupted", "waiting"]
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Rollout:
    """What is rolled, and how.

    Args:
        order: the stacks, first to last.
        folder: the folder of the stack files.
        bake_s: how long an environment runs, after its checks, before the next one is touched [s].
        allow_unverified: let a stack pass whose stack file switches the verification off.
        policy_pack: a CrossGuard pack for each preview and up.
    """

    order: tuple[str, ...]
    folder: Path
    bake_s: float = 0.0
    allow_unverified: bool = False
    policy_pack: str | None = None

    def words(self, *command: str, stack: str) -> list[str]:
        """A command line of Pulumi's for one stack."""
        pack = ["--policy-pack", self.policy_pack] if self.policy_pack else []
        return [*command, "--stack", stack, "--non-interactive", *pack]


def plan_rollout(rollout: Rollout, record: Record, *, restart: bool = False) -> tuple[Step, ...]:
    """What would be done, stack by stack; every stack file and every state is read before anything is touched.

    Raises:
        ConfigurationError: an order that is empty or repeats a stack, a stack file that is wrong, no such stack.
        EnvironmentMissingError: a state cannot be read.
    """
    order = rollout.order
    repeated = next((stack for stack in order if order.count(stack) > 1), None)
    if not order or repeated:
        found = f"{repeated} twice" if repeated else "nothing"
        raise ConfigurationError("name each stack once", where="--order", found=found, expected="staging-eu,prod-eu")
    for stack in order:
        _load_plans(rollout, stack)
    return tuple(_plan_step(rollout, record, stack, restart=restart) for stack in order)


def _plan_step(rollout: Rollout, record: Record, stack: str, *, restart: bool) -> Step:
    export = export_stack(stack, rollout.folder)
    if export is None:
        mend = f"pulumi stack init {stack}"
        raise ConfigurationError("the backend has no such stack", where="--order", found=stack, mend=mend)
    entry, state = record.find(stack), read_state(stack, export)
    if restart or entry is None or entry.outcome != "passed":
        last = f"last time: {entry.reason or entry.outcome}" if entry and entry.outcome != "passed" else ""
        return Step(stack, "to do", last)
    if entry.fingerprint != fingerprint(rollout.folder, stack):
        return Step(stack, "to do", "stack file or program changed since it passed")
    if entry.updated != state.updated or judge_gate(state, allow_unverified=rollout.allow_unverified):
        return Step(stack, "to do", "its state changed since it passed")
    return Step(stack, "skipped", f"passed with this at {entry.at}")


def preview_rollout(rollout: Rollout, say: Say) -> tuple[Step, ...]:
    """Preview every stack in order; a failing one does not stop the next, since nothing is touched."""
    done: list[Step] = []
    for number, stack in enumerate(rollout.order, 1):
        say(f"[{number}/{len(rollout.order)}] {stack}: pulumi preview")
        begun = time.monotonic()
        ended = run_engine(*rollout.words("preview", stack=stack), folder=rollout.folder, say=say)
        result: Literal["passed", "failed"] = "passed" if ended.code == 0 else "failed"
        reason = "" if ended.code == 0 else "; ".join(ended.errors) or "the preview fails; its message stands above"
        done.append(Step(stack, result, reason, time.monotonic() - begun))
        if ended.interrupted:
            return (*done[:-1], replace(done[-1], result="interrupted"), *_wait(rollout.order[number:]))
    return tuple(done)


def roll(rollout: Rollout, steps: Sequence[Step], record: Record, say: Say) -> tuple[Step, ...]:
    """Deploy stack by stack until one does not pass; the record is written before and after each."""
    done: list[Step] = []
    for number, step in enumerate(steps, 1):
        say(f"[{number}/{len(steps)}] {step.stack}: {step.reason if step.result == 'skipped' else 'pulumi up'}")
        done.append(step if step.result == "skipped" else _roll_stack(rollout, step.stack, record, say))
        if done[-1].result not in {"passed", "skipped"}:
            say(f"[{number}/{len(steps)}] {step.stack}: {done[-1].result}: {done[-1].reason}")
            return (*done, *_wait(rollout.order[number:]))
    return tuple(done)


def _wait(stacks: Sequence[str]) -> tuple[Step, ...]:
    return tuple(Step(stack, "waiting") for stack in stacks)


def _roll_stack(rollout: Rollout, stack: str, record: Record, say: Say) -> Step:
    begun = time.monotonic()
    print_of = fingerprint(rollout.folder, stack)
    entry = Entry(print_of, "running", _now(), commit=_read_commit(rollout.folder))
    record.write(stack, entry)
    command = rollout.words("up", "--yes", "--skip-preview", stack=stack)
    ended = run_engine(*command, folder=rollout.folder, say=say)
    step, updated = _pass_gate(rollout, stack, ended, say)
    outcome: Outcome = step.result if step.result in {"passed", "interrupted"} else "failed"
    record.write(stack, replace(entry, outcome=outcome, at=_now(), updated=updated, reason=step.reason))
    return replace(step, seconds=time.monotonic() - begun)


def _pass_gate(rollout: Rollout, stack: str, ended: Ended, say: Say) -> tuple[Step, str]:
    """Whether the stack passes, and when its state was written."""
    if ended.interrupted:
        return Step(stack, "interrupted", "stopped by a signal; run the same command again to go on"), ""
    try:
        state = read_state(stack, export_stack(stack, rollout.folder) or {})
        failures = judge_gate(state, allow_unverified=rollout.allow_unverified)
        if ended.code != 0:
            return Step(stack, "failed", _explain_failure(ended.errors, failures)), ""
        if failures:
            return Step(stack, "failed", "; ".join(failures)), ""
        return _bake(rollout, _load_plans(rollout, stack), state, say), state.updated
    except QwenInfraError as error:
        return Step(stack, "failed", str(error)), ""


def _explain_failure(errors: Sequence[str], failures: Sequence[str]) -> str:
    """What Pulumi said, then what the state adds to it."""
    added = [each for each in failures if not any(each.partition(": ")[2] in error for error in errors)]
    return "; ".join([*errors, *added]) or "pulumi up failed; its message stands above"


def _bake(rollout: Rollout, plans: Sequence[DeploymentPlan], state: StackState, say: Say) -> Step:
    """Wait, then look whether the pods still are what was deployed."""
    if rollout.bake_s:
        say(f"{state.stack}: passed its checks; looked at again in {rollout.bake_s / 60:g} min")
        try:
            time.sleep(rollout.bake_s)
        except KeyboardInterrupt:
            return Step(state.stack, "interrupted", "stopped while it was waited for; run the same command to go on")
        differences = look_at_pods(plans, state).differences
        if differences:
            told = "; ".join(f"{each.place}: {each.what}" for each in differences)
            return Step(state.stack, "failed", f"after {rollout.bake_s / 60:g} min: {told}")
    return Step(state.stack, "passed")


def judge_gate(state: StackState, *, allow_unverified: bool = False) -> tuple[str, ...]:
    """Why a stack does not pass, from its state; empty where it does."""
    unverified = () if allow_unverified else tuple(_list_unverified(state))
    missing = () if state.servers else ("nothing is deployed",)
    return (*missing, *list_failures(state), *unverified)


def _list_unverified(state: StackState) -> list[str]:
    return [
        f"{server.name} was not verified (allow it with --allow-unverified)"
        for server in state.servers
        if server.verification is None and all(check.passed for check in server.checks)
    ]


def _load_plans(rollout: Rollout, stack: str) -> tuple[DeploymentPlan, ...]:
    return make_plans(load_stack_deployments(rollout.folder, stack), stack)


def _read_commit(folder: Path) -> str:
    answer = ask("git", "rev-parse", "--short=12", "HEAD", environment={}, folder=folder)
    return answer.output.strip() if answer.code == 0 else ""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
