"""The key ``benchmark``."""

from typing import Any, Literal

from pydantic import Field, model_validator

from qwen_infra.settings.base import Quantity, Settings, read_level_alone

__all__ = ["BenchmarkSettings", "JobSettings", "RegressionSettings", "SloSettings"]


class SloSettings(Settings):
    """Service level objectives, judged only on the hardware that they were set for."""

    hardware: str = Field(description="GPU (NVIDIA-GB200), cpu or simulator; elsewhere the SLOs are shown, not judged.")
    limits: dict[str, float] = Field(
        description="Metric to limit (p99_ttft_ms, output_throughput): highest where lower is better, else lowest."
    )


class RegressionSettings(Settings):
    """How much worse than the baseline a run of the same load on the same hardware may be."""

    percent: float = Field(
        10.0, gt=0, le=1000, description="Allowed change for the worse; a change within the repeats' spread is none."
    )
    metrics: list[str] | None = Field(
        None, min_length=1, description="Which figures; default: throughput, and mean and p99 of TTFT and TPOT."
    )


class JobSettings(Settings):
    """The Job that makes the load inside the cluster."""

    cpu_request: Quantity = Field("4", description="CPU of its own, so that it does not take the server's.")
    memory_request: Quantity = Field("4Gi", description="Memory.")


class BenchmarkSettings(Settings):
    """Which benchmark runs after a passed verification, and what it decides.

    ``off``, ``smoke`` or ``full`` alone stand for the level with everything else left as it is.
    """

    level: Literal["off", "smoke", "full"] = Field(
        "full", description="full runs the workload, smoke eight short requests without SLOs, off nothing."
    )
    workload: str | dict[str, Any] = Field(
        "reference",
        description="A workload by name, off, or values of one ({preset: reference, sampling: thinking}).",
    )
    runner: Literal["local", "job"] = Field(
        "local",
        description="Who makes the load: this program, or a Job beside the server with the image's vllm bench serve.",
    )
    job: JobSettings = Field(default_factory=lambda: JobSettings(), description="Resources of that Job.")
    repeats: int | None = Field(
        None, ge=1, le=20, description="How often the load is made; the spread is the noise band of regressions."
    )
    slos: SloSettings | None = Field(None, description="Thresholds that fail the deployment when missed.")
    regression: RegressionSettings | None = Field(
        None, description="Comparison with the baseline that `qwen-infra baseline set` chose."
    )
    on_failure: Literal["fail", "warn"] = Field(
        "fail", description="Whether a missed SLO or a failed request fails the deployment or is only told."
    )
    timeout_minutes: int = Field(30, ge=1, le=600, description="Longest time that one repeat may take.")

    @model_validator(mode="before")
    @classmethod
    def _read_level_alone(cls, values: Any) -> Any:
        return read_level_alone(values, "level", "workload")

    @property
    def is_off(self) -> bool:
        """Whether no benchmark runs."""
        return self.level == "off" or self.workload == "off"
