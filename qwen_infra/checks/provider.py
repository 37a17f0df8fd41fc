"""What all checks share: when one runs again, what its state keeps, how a failure is told.

create and update run the check; diff asks for another run when a trigger changed or the last run failed; read echoes;
delete has nothing to undo. A failed check is a result (``passed: false`` with a one-line summary), never an exception:
Pulumi would show a traceback and keep no state.
"""

import uuid
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

from qwen_infra.checks.failure import DeploymentFailedError
from qwen_infra.checks.outcome import CheckOutcome, Report
from qwen_infra.checks.progress import make_reporter
from qwen_infra.checks.target import CheckTarget
from qwen_infra.errors import QwenInfraError

__all__ = ["Check", "CheckProvider", "require_passed"]

Inputs = Mapping[str, Any]


class CheckProvider(ResourceProvider):
    """Base of the providers that examine something; the state holds their modules and names, so these must not move."""

    serialize_as_secret_always = False
    what: ClassVar[str]
    """The check's name in a sentence, for the line that tells why it could not be done."""

    @abstractmethod
    def run(self, inputs: Inputs, target: CheckTarget, report: Report) -> CheckOutcome:
        """Do the work. Raises QwenInfraError where it could not be done."""

    def create(self, props: Any) -> CreateResult:
        return CreateResult(f"check-{uuid.uuid4().hex[:12]}", self._examine(props))

    def update(self, _id: str, _olds: Any, _news: Any) -> UpdateResult:
        return UpdateResult(self._examine(_news))

    def diff(self, _id: str, _olds: Any, _news: Any) -> DiffResult:
        return DiffResult(changes=not _olds.get("passed") or _olds.get("triggers") != _news.get("triggers"))

    def read(self, id_: str, props: Any) -> ReadResult:
        return ReadResult(id_, props)

    def delete(self, _id: str, _props: Any) -> None:
        """Nothing was made that could be removed; results on disk are history."""

    def _examine(self, inputs: Inputs) -> dict[str, Any]:
        try:
            outcome = self.run(inputs, CheckTarget.parse(inputs["target"]), make_reporter(inputs["urn"]))
        except QwenInfraError as error:
            outcome = CheckOutcome(passed=False, summary=f"{self.what} failed: {error}")
        return {
            **inputs,
            "passed": outcome.passed,
            "summary": outcome.summary,
            "made_with": outcome.made_with,
            "details": dict(outcome.details),
        }


class Check(Resource):
    """A check as a resource.

    ``triggers`` decide whether it must run again; ``options`` say how it runs; ``after`` is the result of the check
    before it, whose failure keeps this one from running.
    """

    passed: pulumi.Output[bool]
    summary: pulumi.Output[str]
    made_with: pulumi.Output[str]
    details: pulumi.Output[dict[str, Any]]

    def __init__(
        self,
        name: str,
        provider: CheckProvider,
        *,
        inputs: Mapping[str, pulumi.Input[Any]],
        parent: pulumi.Resource,
        depends_on: list[pulumi.Resource],
    ) -> None:
        resource_type = f"pulumi-python:{self._resource_type_name}"
        urn = _urn_below(parent, resource_type, name)
        unset = dict.fromkeys(("passed", "summary", "made_with", "details"))
        options = pulumi.ResourceOptions(parent=parent, depends_on=depends_on, hide_diffs=["__provider"], protect=False)
        super().__init__(provider, name, {**inputs, "urn": urn, **unset}, options)


def require_passed(check: Check, *, consequence: str = "") -> pulumi.Output[str]:
    """The word "passed" once the check has passed; else the deployment fails with its one-line summary.

    Args:
        check: the check.
        consequence: what its failure means for what runs, a sentence that is added to the summary.
    """

    def judge(found: list[Any]) -> str:
        passed, summary = found
        if not passed:
            raise DeploymentFailedError(f"{summary}.{consequence}" if consequence else summary)
        return "passed"

    return pulumi.Output.all(check.passed, check.summary).apply(judge)


def _urn_below(parent: pulumi.Resource, resource_type: str, name: str) -> str:
    """URN of a child of a component that stands at the top of the program.

    Plain text, since ``pulumi.create_urn`` gives an output that depends on the parent, and so on this very child.
    """
    parts = (pulumi.get_stack(), pulumi.get_project(), f"{parent.pulumi_resource_type}${resource_type}", name)
    return f"urn:pulumi:{'::'.join(parts)}"
