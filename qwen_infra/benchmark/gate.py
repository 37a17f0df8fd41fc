"""What a stack file asks of a benchmark, resolved and checked before anything is deployed; and the verdict after it.

No Pulumi here, and no running: ``checks`` does both.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qwen_infra.benchmark.bench_serve import bench_serve_arguments
from qwen_infra.benchmark.definitions import PERCENTILES
from qwen_infra.benchmark.presets import WORKLOADS, build_workload
from qwen_infra.benchmark.result import BenchmarkResult
from qwen_infra.benchmark.slo import (
    Regression,
    SloJudgement,
    SloSet,
    judge_slos,
    list_percentiles,
    parse_regression,
    parse_slos,
)
from qwen_infra.benchmark.workload import Workload
from qwen_infra.errors import ConfigurationError
from qwen_infra.settings import BenchmarkSettings

__all__ = ["Gate", "build_gate"]

KEY = "qwen-infra:benchmark"


@dataclass(frozen=True, slots=True)
class Gate:
    """A benchmark of a deployment and what it decides.

    Args:
        workload: what is sent.
        slos: limits.
        regression: comparison with a baseline; None makes none.
        on_failure: ``fail`` or ``warn``.
        runner: ``local`` or ``job``.
    """

    workload: Workload
    slos: SloSet
    regression: Regression | None
    on_failure: str
    runner: str

    @property
    def percentiles(self) -> tuple[float, ...]:
        """What the run has to report so that everything can be judged."""
        return tuple(sorted({*PERCENTILES, *list_percentiles(self.slos, self.regression)}))

    def judge(self, result: BenchmarkResult, baseline: BenchmarkResult | None) -> SloJudgement:
        """Hold a result against the limits and the baseline."""
        return judge_slos(result, self.slos, regression=self.regression, baseline=baseline)

    def triggers(self) -> dict[str, Any]:
        """Plain values whose change makes an earlier run worthless."""
        is_preset = self.workload == WORKLOADS.get(self.workload.name)
        values = json.dumps(self.workload.model_dump(mode="json", exclude_none=True))
        found: dict[str, Any] = {
            "workload": self.workload.name if is_preset else values,
            "slos": {"hardware": self.slos.hardware, "limits": {slo.metric: slo.limit for slo in self.slos.slos}},
            "runner": self.runner,
        }
        if self.on_failure != "fail":  # a run that was only warned of must not pass once failures count
            found["on_failure"] = self.on_failure
        if self.regression is not None:
            found["regression"] = f"{self.regression.percent:g} % of {', '.join(self.regression.metrics)}"
        return found


def build_gate(settings: BenchmarkSettings) -> Gate | None:
    """The benchmark that the settings ask for; None when it is off.

    Raises:
        ConfigurationError: an unknown workload or metric, or a load that the runner cannot make; names the key.
    """
    if settings.is_off:
        return None
    is_smoke = settings.level == "smoke"
    workload = _build_workload("smoke" if is_smoke else settings.workload, settings.repeats)
    slos = settings.slos
    regression = settings.regression
    gate = Gate(
        workload=workload,
        slos=parse_slos(
            slos.limits if slos and not is_smoke else {},
            hardware=slos.hardware if slos else "",
            where=f"{KEY}.slos.limits",
        ),
        regression=parse_regression(
            regression.percent,
            tuple(regression.metrics) if regression.metrics else None,
            where=f"{KEY}.regression.metrics",
        )
        if regression
        else None,
        on_failure=settings.on_failure,
        runner=settings.runner,
    )
    if gate.runner == "job":
        bench_serve_arguments(workload, base_url="", model="", tokenizer="")  # refuses what a Job cannot make
    return gate


def _build_workload(given: str | Mapping[str, Any], repeats: int | None) -> Workload:
    values: dict[str, Any] = {}
    if isinstance(given, str):
        values["preset"] = given
    else:
        values |= _to_snake(given)
    if repeats is not None:
        values["repeats"] = repeats
    try:
        return build_workload(values)
    except ConfigurationError as error:
        error.where = f"{KEY}.{error.where or 'workload'}"
        error.mend = error.mend or f"pulumi config set --path '{KEY}.workload' reference"
        raise


def _to_snake(values: Any) -> Any:
    """``numPrompts`` becomes ``num_prompts``, at any depth: the stack file's spelling to the workload's."""
    if not isinstance(values, Mapping):
        return values
    return {re.sub(r"(?<!^)([A-Z])", r"_\1", key).lower(): _to_snake(value) for key, value in values.items()}
