"""What load a benchmark puts on the server, as data; the presets by name.

No prompts and no requests here: ``prompts`` makes them from a workload, ``load`` sends them.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat, PositiveInt, ValidationError

from qwen_infra.errors import ConfigurationError

__all__ = ["WORKLOADS", "Workload", "build_workload"]


class Workload(BaseModel):
    """Random prompts of one length, answered with one length, sent at a rate, up to a concurrency, or both.

    Args:
        name: for tables and file names.
        input_tokens: length of each prompt.
        output_tokens: ``max_tokens`` of each request; with ``ignore_eos`` the length of each answer.
        num_prompts: how many requests are measured.
        request_rate: mean arrivals per second; None sends as fast as ``max_concurrency`` lets.
        max_concurrency: requests under way at most; None for any number.
        burstiness: shape of the gamma distribution of the gaps; 1 is a Poisson process, infinity is constant.
        ignore_eos: whether the model must go on to ``output_tokens``.
        seed: of the prompts and the arrivals.
        warmup_requests: sent before, with other prompts, and not measured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(default="custom", min_length=1, max_length=60)
    input_tokens: PositiveInt
    output_tokens: PositiveInt
    num_prompts: PositiveInt
    request_rate: PositiveFloat | None = Field(default=None, allow_inf_nan=False)
    max_concurrency: PositiveInt | None = None
    burstiness: PositiveFloat = 1.0
    ignore_eos: bool = False
    seed: int = 0
    warmup_requests: NonNegativeInt = 1


def build_workload(values: Mapping[str, Any]) -> Workload:
    """A workload from a flag's or a stack file's values; ``{"preset": name}`` starts from a preset.

    Raises:
        ConfigurationError: a value is missing, unknown or out of range; names the first one.
    """
    given = dict(values)
    preset = given.pop("preset", None)
    if preset is not None:
        if preset not in WORKLOADS:
            raise ConfigurationError("there is no such workload", found=preset, expected=", ".join(sorted(WORKLOADS)))
        given = {**WORKLOADS[preset].model_dump(), **given}
    try:
        return Workload.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or None
        found = None if first["type"] == "missing" else first["input"]
        raise ConfigurationError(first["msg"], where=f"workload.{key}", found=found) from error


WORKLOADS: dict[str, Workload] = {
    # The reference's `vllm bench serve` command (reference deployment, section 6); its --seed was the default, 0.
    "reference": Workload(
        name="reference", input_tokens=8000, output_tokens=1024, num_prompts=32, request_rate=10.0, ignore_eos=True
    ),
    "smoke": Workload(
        name="smoke", input_tokens=64, output_tokens=16, num_prompts=8, max_concurrency=4, ignore_eos=True
    ),
}
