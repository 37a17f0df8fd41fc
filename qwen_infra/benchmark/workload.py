"""What load a benchmark puts on the server, as data; the workloads by name are in ``presets``.

No prompts and no requests here: ``prompts`` makes them from a workload, ``load`` sends them.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)
from pydantic_core import ErrorDetails

from qwen_infra.errors import ConfigurationError

__all__ = ["RateRamp", "Sampling", "Workload", "describe_problem"]

Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
GoodputMetric = Literal["ttft", "ttft_content", "tpot", "e2el"]
"""What a request can be held to one by one; vLLM 0.32 knows all but the second (``check_goodput_args``)."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RateRamp(_Part):
    """The arrival rate goes from ``start`` to ``end`` requests a second over the run, as vLLM's ``--ramp-up-strategy``.

    Linear adds, exponential multiplies by the same amount from one request to the next.
    """

    shape: Literal["linear", "exponential"] = "linear"
    start: Rate
    end: Rate


class Sampling(_Part):
    """How the model chooses tokens; what is None is left to the server's defaults."""

    temperature: NonNegativeFloat | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: int | None = Field(default=None, ge=-1)
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    repetition_penalty: Annotated[float, Field(gt=0, le=2)] | None = None


class Workload(_Part):
    """Prompts of some kind, sent at a rate, up to a concurrency, or both; every value that a repetition needs.

    Args:
        name: for tables and file names.
        api: ``completions`` sends one prompt as it is; ``chat`` sends messages through the template.
        prompt_form: of random prompts over ``completions``: ``ids`` are exact anywhere, ``text`` is tokenized by the
            server, whose time the TTFT then holds, as with ``vllm bench serve``.
        prompts: ``random``, or read from ``dataset``: ``sharegpt`` (conversations) or ``jsonl`` (one prompt a line).
        input_tokens: length of each prompt as the server counts it, the shared prefix included; of a data set the most.
        output_tokens: ``max_tokens`` of each request; with ``ignore_eos`` the length of each answer.
        num_prompts: how many requests are measured; with ``turns`` how many conversations.
        length_spread: lengths are drawn evenly within this share of input and output lengths, up and down.
        prefix_tokens: how many tokens at the head of a prompt are the same in each of its group.
        num_prefixes: how many groups there are.
        dataset: file of a data set.
        turns: requests of one conversation, each with the answers before it; needs ``chat``.
        turn_tokens: length of each user message after the first.
        turn_pause_s: time between an answer and the next turn.
        request_rate: mean arrivals per second; None sends as fast as ``max_concurrency`` lets.
        rate_ramp: a changing rate instead.
        burstiness: shape of the gamma distribution of the gaps; 1 is a Poisson process, None is constant.
        max_concurrency: requests under way at most; None for any number.
        concurrency_ramp_s: time over which the concurrency rises to its maximum, evenly.
        ignore_eos: whether the model must go on to ``output_tokens``.
        thinking: on, off, or None for the model's default; needs ``chat``.
        sampling: how tokens are chosen.
        tools: whether requests bring tools, and whether a call is demanded; needs ``chat``.
        goodput: the most that a good request takes, metric to milliseconds.
        seed: of the prompts and the arrivals; a repeat adds one.
        warmup_requests: sent before, with other prompts, and not measured.
        repeats: how often all of it is done; the spread between repeats is the noise band.
    """

    name: str = Field(default="custom", min_length=1, max_length=60, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    api: Literal["completions", "chat"] = "completions"
    prompt_form: Literal["ids", "text"] = "ids"
    prompts: Literal["random", "sharegpt", "jsonl"] = "random"
    input_tokens: PositiveInt
    output_tokens: PositiveInt
    num_prompts: PositiveInt
    length_spread: float = Field(default=0.0, ge=0, lt=1)
    prefix_tokens: NonNegativeInt = 0
    num_prefixes: PositiveInt = 1
    dataset: Path | None = None
    turns: PositiveInt = 1
    turn_tokens: PositiveInt = 64
    turn_pause_s: NonNegativeFloat = 0.0
    request_rate: Rate | None = None
    rate_ramp: RateRamp | None = None
    burstiness: PositiveFloat | None = Field(default=1.0, allow_inf_nan=False)
    max_concurrency: PositiveInt | None = None
    concurrency_ramp_s: NonNegativeFloat = 0.0
    ignore_eos: bool = False
    thinking: bool | None = None
    sampling: Sampling = Sampling()
    tools: Literal["none", "auto", "required"] = "none"
    goodput: dict[GoodputMetric, PositiveFloat] = Field(default_factory=dict)
    seed: int = 0
    warmup_requests: NonNegativeInt = 1
    repeats: PositiveInt = 1

    @property
    def longest_context(self) -> int:
        """Tokens of the longest conversation at its end, the last answer included."""
        one = self.input_tokens + self.output_tokens
        longest = one + (self.turns - 1) * (self.turn_tokens + self.output_tokens)
        return int(longest * (1 + self.length_spread))

    def load_key(self) -> dict[str, Any]:
        """What makes two runs comparable: everything but the name, the seed and the number of repeats."""
        return self.model_dump(mode="json", exclude={"name", "seed", "repeats"})

    @model_validator(mode="after")
    def _agree(self) -> Self:
        for problem in self._find_contradictions():
            raise ValueError(problem)
        return self

    def _find_contradictions(self) -> list[str]:
        chat_only = {"turns": self.turns > 1, "thinking": self.thinking is not None, "tools": self.tools != "none"}
        found = [f"{name} needs api: chat" for name, is_used in chat_only.items() if is_used and self.api != "chat"]
        if self.prompt_form == "text" and (self.api != "completions" or self.prompts != "random"):
            found.append("prompt_form: text is for random prompts over completions; the others are text anyway")
        if (self.prompts == "random") != (self.dataset is None):
            found.append(f"prompts: {self.prompts} and dataset: {self.dataset} do not go together")
        if self.prefix_tokens >= self.input_tokens:
            found.append(f"the shared prefix of {self.prefix_tokens} tokens leaves no token of the prompt's own")
        if self.prompts != "random" and self.prefix_tokens:
            found.append("a shared prefix needs random prompts")
        if self.request_rate is not None and self.rate_ramp is not None:
            found.append("request_rate and rate_ramp exclude each other")
        if self.concurrency_ramp_s and self.max_concurrency is None:
            found.append("concurrency_ramp_s needs max_concurrency")
        return found


def describe_problem(detail: ErrorDetails) -> ConfigurationError:
    """The first complaint of a validation as our own error."""
    key = ".".join(str(part) for part in detail["loc"] if part != "[key]")
    found = None if detail["type"] == "missing" or not key else detail["input"]
    message = detail["msg"].removeprefix("Value error, ")
    return ConfigurationError(
        message,
        where=f"workload.{key}" if key else "workload",
        found=found,
        mend="qwen-infra bench --help tells what each option takes",
    )
