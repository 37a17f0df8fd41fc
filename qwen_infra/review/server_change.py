"""What a change means for a server: memory per GPU, requests at once, GPUs, price; before and after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qwen_infra.quantities import whole_number
from qwen_infra.review.preview import Preview, Step

__all__ = ["ServerChange", "describe_cost", "describe_gpus", "describe_server", "is_server"]

SERVER = "qwen:infra:VllmServer"
_ROWS = (
    ("model", "{model}"),
    ("checkpoint", "{checkpoint}"),
    ("GPUs", "{replicas} x {gpus_per_replica} x {gpu}"),
    ("memory per GPU for vLLM", "{requested_gib} GiB"),
    ("of it weights", "{weights_gib} GiB"),
    ("of it KV cache", "{kv_cache_gib} GiB"),
    ("longest request", "{max_model_len} tokens"),
    ("full-length requests at once", "{max_concurrency}"),
    ("requests at once, at most", "{max_num_seqs}"),
    ("longest start", "{ready_timeout_s} s"),
)


@dataclass(frozen=True)
class ServerChange:
    """One server: rows of what it is, before and after; ``None`` where it does not exist."""

    name: str
    op: str
    rows: tuple[tuple[str, str | None, str | None], ...]


def is_server(step: Step) -> bool:
    """Whether a step changes a server."""
    return step.type == SERVER and step.op != "same"


def describe_server(step: Step) -> ServerChange:
    """Each row as it was and as it would be."""
    before, after = _plan(step.old), _plan(step.new) if step.op != "delete" else None
    rows = ((label, _format(form, before), _format(form, after)) for label, form in _ROWS)
    return ServerChange(step.name, step.op, tuple(rows))


def describe_cost(preview: Preview) -> tuple[str, str] | None:
    """GPU cost of the whole stack an hour, before and after; ``None`` where no price is given."""
    before, after = _plans(preview)
    if all(_price(plan) is None for plan in (*before, *after)):
        return None
    return _sum(before), _sum(after)


def describe_gpus(preview: Preview) -> tuple[str, str]:
    """GPUs of the whole stack, before and after, such as ``4 x GB200``."""
    before, after = _plans(preview)
    return _count_by_kind(before), _count_by_kind(after)


def _plans(preview: Preview) -> tuple[list[Mapping[str, Any] | None], list[Mapping[str, Any] | None]]:
    """The plan of each server of the stack, before and after; ``None`` where it does not exist."""
    before = {name: _plan(values) for name, values in _deployed(preview).items()}
    after = dict(before)
    for step in preview.steps:
        if is_server(step):
            before[step.name] = _plan(step.old)
            after[step.name] = None if step.op == "delete" else _plan(step.new)
    return list(before.values()), list(after.values())


def _count_by_kind(plans: Sequence[Mapping[str, Any] | None]) -> str:
    counts: dict[str, int] = {}
    for plan in plans:
        if plan is not None:
            kind = str(plan.get("gpu", "GPU"))
            counts[kind] = counts.get(kind, 0) + _gpus(plan)
    return " and ".join(f"{count} x {kind}" for kind, count in sorted(counts.items())) or "none"


def _gpus(plan: Mapping[str, Any]) -> int:
    return whole_number(plan.get("gpus_per_replica"), 0) * whole_number(plan.get("replicas"), 0)


def _deployed(preview: Preview) -> Mapping[str, Mapping[str, Any]]:
    found = preview.outputs.get("deployments")
    values = found.items() if isinstance(found, Mapping) else ()
    return {str(name): value for name, value in values if isinstance(value, Mapping)}


def _plan(inputs: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found = inputs.get("plan")
    return found if isinstance(found, Mapping) else None


def _format(form: str, plan: Mapping[str, Any] | None) -> str | None:
    if plan is None:
        return None
    memory = plan.get("memory")
    values = {**plan, **(memory if isinstance(memory, Mapping) else {})}
    try:
        return form.format(**{key: _number(value) for key, value in values.items()})
    except (KeyError, IndexError):
        return None


def _number(value: Any) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _price(plan: Mapping[str, Any] | None) -> float | None:
    price = (plan or {}).get("price_per_gpu_hour")
    return float(price) if isinstance(price, int | float) else None


def _sum(plans: Sequence[Mapping[str, Any] | None]) -> str:
    existing = [plan for plan in plans if plan is not None]
    priced = [(plan, price) for plan in existing if (price := _price(plan)) is not None]
    if not existing:
        return "nothing"
    if not priced:
        return "unknown (no price is set)"
    gpus = [_gpus(plan) for plan, _ in priced]
    total = sum(count * price for count, (_, price) in zip(gpus, priced, strict=True))
    rest = "" if len(priced) == len(existing) else " and what has no price"
    return f"{total:.2f} {priced[0][0].get('currency', '')}/h for {_count_gpus(sum(gpus))}{rest}".replace("  ", " ")


def _count_gpus(number: int) -> str:
    return f"{number} GPU{'' if number == 1 else 's'}"
