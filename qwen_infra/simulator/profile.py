"""The timing profile: how fast the simulated engine is, as validated JSON.

Only numbers and where they come from; what they do to a request is in ``scheduling``.
"""

from bisect import bisect_right
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from qwen_infra.errors import ConfigurationError

__all__ = [
    "INSTANT",
    "REFERENCE",
    "CacheProfile",
    "DecodeProfile",
    "InterferenceProfile",
    "Jitter",
    "PrefillProfile",
    "TimingProfile",
    "load_profile",
]

NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
PositiveCount = Annotated[int, Field(gt=0)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Jitter(_Part):
    """A factor drawn from a piecewise linear quantile function: bounded, and readable in a JSON file.

    ``quantiles`` lists pairs (share of draws, factor), from share 0 to share 1; the default is no jitter.
    """

    quantiles: tuple[tuple[Annotated[float, Field(ge=0, le=1)], NonNegative], ...] = ((0.0, 1.0), (1.0, 1.0))

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        shares = [share for share, _ in self.quantiles]
        factors = [factor for _, factor in self.quantiles]
        if len(shares) < 2 or shares[0] != 0 or shares[-1] != 1 or sorted(set(shares)) != shares:
            message = "quantiles must rise strictly from share 0 to share 1"
            raise ValueError(message)
        if sorted(factors) != factors:
            message = "the factors of quantiles must not fall"
            raise ValueError(message)
        return self

    def factor_at(self, share: float) -> float:
        """The factor below which ``share`` (0 to 1) of all draws lie."""
        right = min(bisect_right(self.quantiles, share, key=lambda pair: pair[0]), len(self.quantiles) - 1)
        (low_share, low), (high_share, high) = self.quantiles[right - 1], self.quantiles[right]
        return low + (high - low) * (share - low_share) / (high_share - low_share)

    @property
    def mean(self) -> float:
        """Expected factor."""
        pairs = zip(self.quantiles, self.quantiles[1:], strict=False)
        return sum((high_share - low_share) * (low + high) / 2 for (low_share, low), (high_share, high) in pairs)


class PrefillProfile(_Part):
    """Time to the first token: ``queue + tokens / shared_tokens_per_s + jitter · (base + tokens / tokens_per_s)``.

    ``queue`` is the wait until the prompts before have left the shared part. A rate of null is infinitely fast.
    """

    base_ms: NonNegative = 0.0
    tokens_per_s: Positive | None = None
    shared_tokens_per_s: Positive | None = None
    jitter: Jitter = Jitter()


class DecodeProfile(_Part):
    """Time per further token: ``jitter · (base + per_running · running requests)``."""

    base_ms: NonNegative = 0.0
    per_running_ms: NonNegative = 0.0
    jitter: Jitter = Jitter()


class InterferenceProfile(_Part):
    """Prompts stall the running requests: once ``batch_tokens`` prompt tokens have gathered, everything running waits.

    It is what one engine step with a large prefill does to the decodes that share it.
    """

    stall_ms_per_1000_prompt_tokens: NonNegative = 0.0
    batch_tokens: PositiveCount = 16384


class CacheProfile(_Part):
    """The KV cache that the server reports and admits requests by."""

    block_size_tokens: PositiveCount = 1056
    num_gpu_blocks: PositiveCount = 6500
    state_blocks_per_request: Annotated[int, Field(ge=0)] = 6
    prefix_caching: bool = True
    gpu_memory_utilization: Annotated[float, Field(gt=0, le=1)] = 0.85

    def blocks_for(self, tokens: int) -> int:
        """Blocks that a request of ``tokens`` tokens holds, its recurrent state included."""
        return -(-tokens // self.block_size_tokens) + self.state_blocks_per_request

    def max_concurrency(self, max_model_len: int) -> float:
        """How many requests of full length fit at once, as vLLM reports it."""
        return self.num_gpu_blocks / self.blocks_for(max_model_len)


class TimingProfile(_Part):
    """Everything that decides when a token appears."""

    name: str
    prefill: PrefillProfile = PrefillProfile()
    decode: DecodeProfile = DecodeProfile()
    interference: InterferenceProfile = InterferenceProfile()
    cache: CacheProfile = CacheProfile()
    max_num_seqs: PositiveCount = 1024

    @property
    def is_paced(self) -> bool:
        """Whether a token takes time at all."""
        return self.decode.base_ms > 0 or self.decode.per_running_ms > 0


INSTANT = TimingProfile(name="instant")

# Fitted (not measured) so that 32 prompts of 8000 tokens at 10 requests/s, 1024 tokens out, give the reference table:
# TTFT 308.19/287.37/494.26 ms, TPOT 29.54/29.62/30.58 ms, ITL 29.54/28.52/30.89 ms (mean/median/p99), 32.58 s.
# Reading of that table: the undisturbed step is the ITL median (28.5 ms); TPOT falls evenly from 30.58 (first request,
# sees 31 prompts come in) to 28.5 (last), so 31 prompts cost (30.58 - 28.5) · 1023 ms = 2.13 s, 8.6 ms per 1000 tokens;
# an ITL p99 of 30.89 means that these stalls are fewer than 1 % of all gaps, so several prompts share one step.
# Cache: 397B GPTQ-Int4 on 4 x 189471 MiB at 0.85, computed with the block arithmetic of vLLM 0.32 and 4 GiB overhead.
REFERENCE = TimingProfile(
    name="reference",
    prefill=PrefillProfile(
        base_ms=38.0,
        tokens_per_s=38_500.0,
        shared_tokens_per_s=250_000.0,
        jitter=Jitter(quantiles=((0.0, 0.84), (0.5, 0.98), (0.9, 1.32), (1.0, 2.12))),
    ),
    decode=DecodeProfile(
        base_ms=25.0,
        per_running_ms=0.11,
        jitter=Jitter(quantiles=((0.0, 0.91), (0.02, 0.97), (0.5, 1.0), (0.98, 1.03), (1.0, 1.1))),
    ),
    interference=InterferenceProfile(stall_ms_per_1000_prompt_tokens=9.0, batch_tokens=24_000),
)

_BUILT_IN = {profile.name: profile for profile in (REFERENCE, INSTANT)}


def load_profile(name_or_path: str) -> TimingProfile:
    """The built-in profile of that name, or the one in that JSON file.

    Raises:
        ConfigurationError: no such name or file, or the file does not hold a profile.
    """
    if name_or_path in _BUILT_IN:
        return _BUILT_IN[name_or_path]
    path = Path(name_or_path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            "the timing profile cannot be read",
            where="--profile",
            found=name_or_path,
            expected=f"one of {', '.join(sorted(_BUILT_IN))}, or a readable JSON file",
            mend="use --profile reference, or correct the path",
        ) from error
    try:
        return TimingProfile.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigurationError(
            f"the timing profile is not valid: {place}: {first['msg']}",
            where=f"--profile {name_or_path}",
            mend="correct that key; a key that is left out has its default",
        ) from error
