"""What would fit instead of a configuration that does not, nearest first, each as the stack-file change to make.

Not here: the arithmetic (``fit.py``) and the ranking of all models (``recommend.py``).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from qwen_infra.errors import ConfigurationError
from qwen_infra.sizing.devices import POD_SHARED_GIB, find_rules
from qwen_infra.sizing.fit import AUTOMATIC_MAX_NUM_SEQS, Fit, fit_model
from qwen_infra.sizing.parallelism import list_tensor_parallel_sizes
from qwen_infra.sizing.request import FitRequest

__all__ = ["Remedy", "describe_misfit", "find_minimum_tensor_parallel_size", "find_remedies"]

_POD_SIZES_GIB = (8, 10, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
_CONTEXT_STEP_TOKENS = 1024
_SMALLEST_USEFUL_CONTEXT_TOKENS = 4096
"""A shorter context is not offered: thinking alone takes more."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """A change after which the configuration fits.

    Args:
        settings: stack-file keys with their new values, as they stand in the stack file; usually one.
        sentence: the change and what comes of it.
    """

    settings: tuple[tuple[str, str], ...]
    sentence: str
    fit: Fit

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that make the change."""
        return tuple(f"pulumi config set --path {key} {value}" for key, value in self.settings)


def find_remedies(request: FitRequest) -> tuple[Remedy, ...]:
    """Changes that make it fit: text only, fewer sequences, more GPUs, shorter context, other precision.

    Empty when it fits already, or when none of these helps. Single settings, except that another precision may
    come with a shorter context.
    """
    fit = fit_model(request)
    if fit.fits:
        return ()
    changes = (
        _try_text_only,
        _try_fewer_sequences,
        _try_more_gpus,
        _try_larger_pod,
        _try_shorter_context,
        _try_other_precisions,
    )
    return tuple(remedy for change in changes for remedy in change(fit))


def find_minimum_tensor_parallel_size(request: FitRequest) -> int | None:
    """The smallest valid TP size with which everything else of the request fits; None when none does."""
    for size in list_tensor_parallel_sizes(request.model, request.precision):
        fit = _try(replace(request, tensor_parallel_size=size))
        if fit is not None and fit.fits:
            return size
    return None


def describe_misfit(fit: Fit) -> str:
    """One paragraph: what does not fit, why, and the changes that would, for `pulumi preview` and the command line."""
    request = fit.request
    lines = [
        f"{request.model.name} {request.precision} does not fit on {request.gpus} x {request.gpu.name} "
        f"with a context of {request.max_model_len} tokens: {'; '.join(fit.reasons)}"
    ]
    remedies = find_remedies(request)
    lines += [f"{remedy.sentence} ({' && '.join(remedy.commands)})" for remedy in remedies]
    if not remedies:
        lines.append("no such change makes it fit: `qwen-infra recommend` lists what does on these GPUs")
    return "\n  ".join(lines)


def _try_text_only(fit: Fit) -> Iterator[Remedy]:
    if fit.request.loads_vision:
        yield from _offer(
            replace(fit.request, text_only=True), (("qwen-infra:server.textOnly", "true"),), "without the vision tower"
        )


def _try_fewer_sequences(fit: Fit) -> Iterator[Remedy]:
    """The largest power of two below the present number that fits; below the automatic one where it was automatic."""
    present = fit.request.max_num_seqs or AUTOMATIC_MAX_NUM_SEQS
    size = 1 << (present - 1).bit_length() - 1 if present > 1 else 0
    while size >= 1:
        changed = replace(fit.request, max_num_seqs=size)
        settings = (("qwen-infra:server.maxNumSeqs", str(size)),)
        offered = list(_offer(changed, settings, f"at most {size} requests at once"))
        if offered:
            yield offered[0]
            return
        size //= 2


def _try_more_gpus(fit: Fit) -> Iterator[Remedy]:
    for size in list_tensor_parallel_sizes(fit.request.model, fit.request.precision):
        if size <= fit.request.tensor_parallel_size:
            continue
        changed = replace(fit.request, tensor_parallel_size=size)
        settings = (("qwen-infra:server.tensorParallelSize", str(size)),)
        offered = list(_offer(changed, settings, f"tensor parallel size {size}"))
        if offered:
            yield offered[0]
            return


def _try_larger_pod(fit: Fit) -> Iterator[Remedy]:
    """The next size of a pod in which it fits on the processor, whose memory is the pod's."""
    if fit.request.gpu.kind == "gpu":
        return
    for size_gib in _POD_SIZES_GIB:
        changed = replace(fit.request, gpu=fit.request.gpu.with_memory((size_gib - POD_SHARED_GIB) * 2**30))
        settings = (("qwen-infra:server.resources.memoryLimit", f"{size_gib}Gi"),)
        offered = list(_offer(changed, settings, f"a pod of {size_gib} GiB"))
        if offered:
            yield offered[0]
            return


def _try_shorter_context(fit: Fit) -> Iterator[Remedy]:
    tokens = _useful_context(fit)
    if tokens is not None:
        settings = (("qwen-infra:server.maxModelLen", str(tokens)),)
        yield from _offer(replace(fit.request, max_model_len=tokens), settings, f"a context of {tokens} tokens")


def _try_other_precisions(fit: Fit) -> Iterator[Remedy]:
    """Those that the GPU runs, the largest checkpoint (the least loss) first; with a shorter context where needed."""
    others = [
        checkpoint
        for checkpoint in fit.request.model.checkpoints
        if checkpoint.precision != fit.request.precision and checkpoint.precision in fit.request.gpu.precisions
    ]
    for checkpoint in sorted(others, key=lambda checkpoint: -checkpoint.bytes):
        changed = replace(fit.request, precision=checkpoint.precision)
        settings: tuple[tuple[str, str], ...] = (("qwen-infra:model.precision", checkpoint.precision),)
        sentence = f"the {checkpoint.precision} checkpoint"
        answer = _try(changed)
        tokens = None if answer is None or answer.fits else _useful_context(answer)
        if tokens is not None:
            changed = replace(changed, max_model_len=tokens)
            settings += (("qwen-infra:server.maxModelLen", str(tokens)),)
            sentence += f" and a context of {tokens} tokens"
        yield from _offer(changed, settings, sentence)


def _useful_context(fit: Fit) -> int | None:
    """The longest context that fits, in steps of 1024; None when it is not shorter, or too short to be useful."""
    tokens = fit.longest_context_tokens // _CONTEXT_STEP_TOKENS * _CONTEXT_STEP_TOKENS
    return tokens if _SMALLEST_USEFUL_CONTEXT_TOKENS <= tokens < fit.request.max_model_len else None


def _offer(request: FitRequest, settings: tuple[tuple[str, str], ...], sentence: str) -> Iterator[Remedy]:
    """The remedy, where the changed configuration fits."""
    fit = _try(request)
    if fit is not None and fit.fits:
        cache = f"{fit.kv_cache_gib:.1f} GiB of cache {find_rules(request.gpu).unit}"
        load = f"{fit.max_concurrency:.1f} full-length requests at once, {cache}"
        yield Remedy(settings, f"{sentence}: {load}", fit)


def _try(request: FitRequest) -> Fit | None:
    """The fit, or None where the changed question makes no sense (a precision that cannot be cut like that)."""
    try:
        return fit_model(request)
    except ConfigurationError:
        return None
