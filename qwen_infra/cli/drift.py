"""``qwen-infra drift``: whether what runs still equals what was deployed."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from qwen_infra.drift import Difference
    from qwen_infra.errors import QwenInfraError
    from qwen_infra.planning import DeploymentPlan

__all__ = ["compare_scheduled_runs", "compare_servers", "drift"]


def drift(
    stack: Annotated[
        list[str] | None, typer.Option(help="Stack to look at; may be given several times. Default: every stack file.")
    ] = None,
    max_age_days: Annotated[
        float, typer.Option(min=0, help="Longest time since the last verification and benchmark.")
    ] = 30,
    behaviour_only: Annotated[
        bool, typer.Option("--behaviour-only", help="Only pods and servers: no Pulumi state is needed.")
    ] = False,
    spec_only: Annotated[
        bool, typer.Option("--spec-only", help="Only objects and ages: for a kubeconfig that may only read.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Say how what runs differs from what was deployed; exit code 1 when it does.

    Compares the objects with Pulumi's state (a refresh that changes nothing), each pod's image, command line and
    variables with the stack file, what the server says with the plan, and tells checks that ran long ago. A stack that
    cannot be looked at does not hide the others; exit code 3 when there is one and nothing differs.

    Examples:
    qwen-infra drift --stack mine
    qwen-infra drift --stack mine --json
    """
    from pathlib import Path

    from qwen_infra.cli.output import print_error, print_json
    from qwen_infra.errors import ConfigurationError, QwenInfraError
    from qwen_infra.fleet import list_stacks

    if behaviour_only and spec_only:
        raise ConfigurationError(
            "these two leave nothing to look at",
            where="--behaviour-only --spec-only",
            mend="give one of them, or neither",
        )
    found: dict[str, list[Difference]] = {}
    problems: dict[str, QwenInfraError] = {}
    for name in stack or [item.name for item in list_stacks(Path())]:
        try:
            found[name] = _compare(name, max_age_days, spec=not behaviour_only, behaviour=not spec_only)
        except QwenInfraError as error:
            problems[name] = error
    if as_json:
        print_json(_describe(found, problems))
    else:
        for name, differences in found.items():
            _tell(name, differences)
    for name, problem in problems.items():
        problem.where = ": ".join(part for part in (name, problem.where) if part)
        print_error(problem)
    differs = any(found.values())
    raise typer.Exit(1 if differs else max((each.exit_code for each in problems.values()), default=0))


def _describe(found: "Mapping[str, list[Difference]]", problems: "Mapping[str, QwenInfraError]") -> dict[str, object]:
    from dataclasses import asdict

    looked = [
        {"stack": name, "drifted": bool(each), "differences": [asdict(one) for one in each]}
        for name, each in found.items()
    ]
    unseen = [{"stack": name, "drifted": None, "problem": str(error)} for name, error in problems.items()]
    return {"drifted": any(found.values()), "stacks": [*looked, *unseen]}


def _compare(stack: str, max_age_days: float, *, spec: bool, behaviour: bool) -> "list[Difference]":
    from qwen_infra.cli.stack_endpoint import load_plans

    plans = load_plans(stack)
    recorded = _compare_state(stack, max_age_days) if spec else []
    running = [each for plan in plans for each in _compare_running(plan)] if behaviour else []
    return [*recorded, *running]


def _compare_state(stack: str, max_age_days: float) -> "list[Difference]":
    from datetime import UTC, datetime
    from pathlib import Path

    from qwen_infra.drift import compare_spec, judge_age, read_check_results

    now = datetime.now(UTC)
    ages = [
        each
        for check in read_check_results(stack, Path())
        for each in judge_age(check.name, check.kind, check.result, now, max_age_days, stack)
    ]
    return [*compare_spec(stack, Path()), *ages]


def _compare_running(plan: "DeploymentPlan") -> "Iterator[Difference]":
    from qwen_infra.cli.stack_endpoint import find_serving_generation, kubectl_of
    from qwen_infra.drift import compare_pods

    namespace = plan.cluster.namespace
    yield from compare_scheduled_runs(plan)
    pods = kubectl_of(plan).items("--namespace", namespace, "pods", f"--selector=app={find_serving_generation(plan)}")
    yield from compare_pods(plan, pods)
    if pods:
        yield from compare_servers([plan])


def compare_scheduled_runs(plan: "DeploymentPlan") -> "Sequence[Difference]":
    """Whether the newest scheduled verification passed; nothing where none is scheduled."""
    from qwen_infra.checks.collecting import list_runs
    from qwen_infra.cli.stack_endpoint import kubectl_of
    from qwen_infra.drift import compare_schedule
    from qwen_infra.manifests import decide_names

    if plan.verification.schedule is None:
        return []
    runs = list_runs(kubectl_of(plan), plan.cluster.namespace, decide_names(plan).verification)
    return compare_schedule(plan, runs)


def compare_servers(plans: "Sequence[DeploymentPlan]") -> "Iterator[Difference]":
    """What each server says of itself against its plan, through a port-forward or its URL."""
    import asyncio

    from qwen_infra.cli.stack_endpoint import open_endpoint
    from qwen_infra.client import Endpoint
    from qwen_infra.client.http import InferenceClient
    from qwen_infra.client.provenance import ServerFacts, fetch_server_facts
    from qwen_infra.drift import compare_server

    async def ask(endpoint: Endpoint) -> ServerFacts:
        async with InferenceClient(endpoint) as client:
            return await fetch_server_facts(client)

    for plan in plans:
        with open_endpoint(plan.stack, plan.server.name, None, None, "VLLM_API_KEY") as endpoint:
            yield from compare_server(plan, asyncio.run(ask(endpoint)))


def _tell(stack: str, differences: "list[Difference]") -> None:
    for each in differences:
        print(f"{stack}: {each.kind}: {each.place}: {each.what}")
        for label, value in (("expected", each.expected), ("found", each.found), ("mend", each.mend)):
            if value is not None:
                print(f"  {label + ':':<10}{value}")
    told = f"{len(differences)} difference{'s' * (len(differences) > 1)}" if differences else "as deployed"
    print(f"{stack}: {told}")
