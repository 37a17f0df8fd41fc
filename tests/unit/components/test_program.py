"""What the program registers, under mocks; unknown values fail a test instead of passing it silently."""

import asyncio
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import rpc
from pulumi.runtime.settings import get_monitor

from qwen_infra.planning import DeploymentPlan, make_plan, make_plans
from qwen_infra.program import deploy
from qwen_infra.settings import ScheduleSettings, load_stack_deployments, load_stack_file

ROOT = Path(__file__).parents[3]
STACKS = sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml"))
CHECKED = {"passed": True, "summary": "fine", "made_with": "a mock", "details": {}}


class Mocks(pulumi.runtime.Mocks):
    """Answers as the engine would after a deployment in which every check passed."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        state = dict(args.inputs)
        if args.typ.startswith("pulumi-python:dynamic/qwen:"):
            state |= {"value": "sk-made"} if args.typ.endswith("ApiKey") else CHECKED
        return f"{args.name}-id", state

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], None]:
        return {}, None


@pytest.fixture(autouse=True)
def _unwrap_pulumi_pickler() -> Iterator[None]:
    """Each dynamic resource wraps the pickler once more (SDK 3.259); a long run would hit the recursion limit."""
    original = pickle._Pickler._batch_setitems  # type: ignore[attr-defined]
    yield
    pickle._Pickler._batch_setitems = original  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def _event_loop() -> Iterator[None]:
    """Pulumi's mocks take the thread's event loop, which another test's ``asyncio.run`` has removed."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


def register(**verification: Any) -> dict[str, Any]:
    """Every resource of the gb200 stack, in the order of registration: URN -> inputs."""
    settings = load_stack_file(ROOT, "gb200")
    changed = settings.verification.model_copy(update=verification)

    return register_plans("gb200", make_plan(settings.model_copy(update={"verification": changed})))


def register_plans(stack: str, *plans: DeploymentPlan) -> dict[str, Any]:
    pulumi.runtime.set_mocks(Mocks(), preview=False, stack=stack, project="qwen-infra")

    @pulumi.runtime.test
    def program() -> None:
        deploy(*plans)

    program()
    monitor: Any = get_monitor()
    return {urn: item.state for urn, item in monitor.resources.items()}


@pytest.fixture
def registered() -> dict[str, Any]:
    return register()


def types(registered: dict[str, Any]) -> list[str]:
    return [urn.split("::")[-2].split("$")[-1] for urn in registered]


def test_the_three_components_have_their_type_tokens(registered: dict[str, Any]) -> None:
    assert {"qwen:infra:ModelCache", "qwen:infra:VllmServer", "qwen:infra:InferenceEndpoint"} <= set(types(registered))


def test_children_stand_under_their_component_and_carry_its_name(registered: dict[str, Any]) -> None:
    children = [urn for urn in registered if "qwen:infra:" in urn.split("::")[-2] and "$" in urn.split("::")[-2]]
    assert children
    assert all(urn.split("::")[-1].startswith("vllm-qwen35-397b") for urn in children)


def test_one_provider_serves_everything(registered: dict[str, Any]) -> None:
    assert types(registered).count("pulumi:providers:kubernetes") == 1


def test_the_checks_are_registered(registered: dict[str, Any]) -> None:
    checks = [name.rpartition(":")[2] for name in types(registered) if name.startswith("pulumi-python:dynamic/qwen:")]
    assert sorted(checks) == ["ApiKey", "BenchmarkCheck", "ServerReadiness", "VerificationCheck", "WeightsReadiness"]


def test_no_check_has_the_key_among_its_inputs(registered: dict[str, Any]) -> None:
    checks = {urn: state for urn, state in registered.items() if "Check::" in urn or "Readiness::" in urn}
    assert checks
    assert "sk-made" not in str(checks)


def test_the_secret_holds_the_generated_key_as_a_secret(registered: dict[str, Any]) -> None:
    (state,) = [state for urn, state in registered.items() if urn.split("::")[-2].endswith("core/v1:Secret")]
    assert rpc.is_rpc_secret(state["stringData"])


def test_a_schedule_is_made_after_the_checks_so_that_no_run_meets_a_server_that_is_not_there() -> None:
    made = types(register(schedule=ScheduleSettings(cron="@daily")))
    assert made.index("kubernetes:batch/v1:CronJob") > made.index("pulumi-python:dynamic/qwen:BenchmarkCheck")
    assert "kubernetes:batch/v1:CronJob" not in types(register())


@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_of_the_repository_registers_its_checks(stack: str) -> None:
    plans = make_plans(load_stack_deployments(ROOT, stack), stack)
    made = types(register_plans(stack, *plans))
    for check in ("WeightsReadiness", "ServerReadiness", "VerificationCheck", "BenchmarkCheck"):
        assert f"pulumi-python:dynamic/qwen:{check}" in made


def triggers(check: str, **server: Any) -> dict[str, Any]:
    """What decides whether a check of the gb200 stack runs again, with other server settings."""
    settings = load_stack_file(ROOT, "gb200")
    raw = {**settings.server.model_dump(by_alias=True, exclude_unset=True), **server}
    changed = settings.model_copy(update={"server": type(settings.server).model_validate(raw)})
    made = register_plans("gb200", make_plan(changed))
    (found,) = [state["triggers"] for urn, state in made.items() if f"qwen:{check}::" in urn]
    return dict(found)


@pytest.mark.parametrize("check", ["ServerReadiness", "VerificationCheck", "BenchmarkCheck"])
@pytest.mark.parametrize(
    "change",
    [
        {"maxModelLen": 131072},
        {"extraArgs": ["--enable-log-requests"]},
        {"resources": {"memoryLimit": "900Gi"}},
        {"tolerations": [{"key": "team"}]},
        {"priorityClassName": "serving"},
        {"imagePullSecrets": ["mirror"]},
        {"readyTimeoutSeconds": 7200},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_changes_the_pods_makes_the_earlier_proof_worthless(check: str, change: dict[str, Any]) -> None:
    assert triggers(check, **change) != triggers(check)


@pytest.mark.parametrize("check", ["ServerReadiness", "VerificationCheck", "BenchmarkCheck"])
def test_without_a_change_a_proof_holds(check: str) -> None:
    assert triggers(check) == triggers(check)


@pytest.mark.parametrize("check", ["ServerReadiness", "VerificationCheck", "BenchmarkCheck"])
def test_a_proof_is_bound_to_the_digest_of_the_weights(check: str) -> None:
    assert "weights" in triggers(check)
