"""The figures of a benchmark as typed fields; None where there is nothing to measure, never a made-up zero.

The names are ``vllm bench serve --save-result``'s; ``definitions`` says what each means and ``metrics`` computes them.
"""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, model_validator

from qwen_infra.benchmark.definitions import find_definition

__all__ = ["Figures"]

Latency = NonNegativeFloat | None


class Figures(BaseModel):
    """What was measured; every field has an entry of its name in ``DEFINITIONS``.

    Beside the fields, any statistic of any latency may stand under its key (``p99.9_itl_ms``).
    """

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, Latency] = Field(init=False)

    duration: NonNegativeFloat
    completed: NonNegativeInt
    failed: NonNegativeInt
    unfinished: NonNegativeInt = 0
    success_rate: NonNegativeFloat | None
    total_input_tokens: NonNegativeInt
    total_output_tokens: NonNegativeInt
    request_throughput: NonNegativeFloat | None
    output_throughput: NonNegativeFloat | None
    total_token_throughput: NonNegativeFloat | None
    request_goodput: NonNegativeFloat | None = None
    max_output_tokens_per_s: NonNegativeFloat | None
    max_concurrent_requests: NonNegativeInt | None
    mean_concurrent_requests: NonNegativeFloat | None = None
    cached_prompt_share: NonNegativeFloat | None = None

    mean_ttft_ms: Latency = None
    median_ttft_ms: Latency = None
    std_ttft_ms: Latency = None
    p99_ttft_ms: Latency = None

    mean_tpot_ms: Latency = None
    median_tpot_ms: Latency = None
    std_tpot_ms: Latency = None
    p99_tpot_ms: Latency = None

    mean_itl_ms: Latency = None
    median_itl_ms: Latency = None
    std_itl_ms: Latency = None
    p99_itl_ms: Latency = None

    mean_e2el_ms: Latency = None
    median_e2el_ms: Latency = None
    std_e2el_ms: Latency = None
    p99_e2el_ms: Latency = None

    @property
    def all_answered(self) -> bool:
        """Whether every request brought its whole answer."""
        return self.completed > 0 and self.failed == self.unfinished == 0

    def value(self, key: str) -> float | None:
        """The figure of that key; None when there is no such figure in this run."""
        found = getattr(self, key, None) if find_definition(key) else None
        return float(found) if isinstance(found, int | float) else None

    @model_validator(mode="after")
    def _know_extras(self) -> Self:
        unknown = [key for key in self.__pydantic_extra__ or {} if find_definition(key) is None]
        if unknown:
            msg = f"there are no figures named {', '.join(unknown)}"
            raise ValueError(msg)
        return self
