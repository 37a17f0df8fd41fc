"""The workloads by name. A workload is added here and nowhere else."""

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from qwen_infra.benchmark.workload import Sampling, Workload, describe_problem
from qwen_infra.errors import ConfigurationError

__all__ = ["WORKLOADS", "build_workload", "find_preset"]

_GREEDY = Sampling(temperature=0)


def _index(*workloads: Workload) -> dict[str, Workload]:
    return {workload.name: workload for workload in workloads}


WORKLOADS: dict[str, Workload] = _index(
    # The reference's `vllm bench serve` command (reference deployment, section 6); its --seed was the default, 0.
    Workload(
        name="reference", input_tokens=8000, output_tokens=1024, num_prompts=32, request_rate=10.0, ignore_eos=True
    ),
    Workload(name="smoke", input_tokens=64, output_tokens=16, num_prompts=8, max_concurrency=4, ignore_eos=True),
    # A person waits for each answer: a short question now and then, answers of a screen.
    Workload(
        name="interactive",
        input_tokens=512,
        output_tokens=256,
        num_prompts=120,
        length_spread=0.5,
        request_rate=2.0,
        ignore_eos=True,
        sampling=_GREEDY,
        goodput={"ttft": 1000, "tpot": 50},
    ),
    # As many tokens as the server gives: a batch job that keeps it full.
    Workload(
        name="throughput",
        input_tokens=1024,
        output_tokens=1024,
        num_prompts=512,
        max_concurrency=256,
        ignore_eos=True,
        sampling=_GREEDY,
        warmup_requests=4,
    ),
    # Reading whole documents or repositories: the prompt is nearly everything.
    Workload(
        name="long-context",
        input_tokens=100_000,
        output_tokens=512,
        num_prompts=16,
        max_concurrency=4,
        ignore_eos=True,
        sampling=_GREEDY,
    ),
    # A coding agent: one long system prompt with tools for all, many turns that grow, answers of a call's length.
    Workload(
        name="agent",
        api="chat",
        input_tokens=6000,
        output_tokens=256,
        num_prompts=16,
        prefix_tokens=4000,
        turns=8,
        turn_tokens=400,
        turn_pause_s=1.0,
        max_concurrency=8,
        ignore_eos=True,
        thinking=False,
        tools="auto",
        sampling=_GREEDY,
        goodput={"ttft": 2000, "tpot": 50},
    ),
)


_SAME_LOAD = frozenset({"name", "seed", "repeats", "goodput"})
"""What can be changed in a preset without making another load of it."""


def build_workload(values: Mapping[str, Any]) -> Workload:
    """A workload from a flag's or a stack file's values; ``{"preset": name}`` starts from a preset.

    A preset whose load is changed is no longer that preset: without a name of its own it is called
    ``<preset>-changed``, so that its figures never stand beside the preset's.

    Raises:
        ConfigurationError: a value is missing, unknown or out of range; names the first one.
    """
    given = {key: value for key, value in values.items() if key != "preset"}
    preset = values.get("preset")
    if preset is not None:
        base = find_preset(str(preset)).model_dump()
        is_changed = any(base.get(key) != value for key, value in given.items() if key not in _SAME_LOAD)
        given = {**base, **({"name": f"{preset}-changed"} if is_changed else {}), **given}
    try:
        return Workload.model_validate(given)
    except ValidationError as error:
        raise describe_problem(error.errors()[0]) from error


def find_preset(name: str) -> Workload:
    """The preset of that name.

    Raises:
        ConfigurationError: there is none; names the nearest.
    """
    if name in WORKLOADS:
        return WORKLOADS[name]
    near = difflib.get_close_matches(name, WORKLOADS, n=1, cutoff=0.5)
    raise ConfigurationError(
        f"there is no such workload{f', did you mean {near[0]}?' if near else ''}",
        found=name,
        expected=", ".join(sorted(WORKLOADS)),
        mend="name one of these, or give the numbers: --input-tokens, --output-tokens, --num-prompts, --request-rate",
    )
