"""The key ``benchmark``."""

from pydantic import Field

from qwen_infra.settings.base import Settings

__all__ = ["BenchmarkSettings", "SloSettings"]


class SloSettings(Settings):
    """Service level objectives, judged only on the hardware that they were set for."""

    hardware: str = Field(description="GPU (NVIDIA-GB200), cpu or simulator; elsewhere the SLOs are shown, not judged.")
    limits: dict[str, float] = Field(
        description="Metric to limit (p99_ttft_ms, output_throughput): highest where lower is better, else lowest."
    )


class BenchmarkSettings(Settings):
    """Which benchmark runs after a passed verification."""

    workload: str = Field("reference", description="off, or a workload: reference (the article's) or smoke.")
    slos: SloSettings | None = Field(None, description="Thresholds that fail the deployment when missed.")
    timeout_minutes: int = Field(30, ge=1, le=600, description="Longest time that the benchmark may take.")
