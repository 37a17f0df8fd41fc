"""The answer of ``qwen-infra fit`` for people: where the memory goes, what it carries, what would fit instead."""

from collections.abc import Iterator

from qwen_infra.cli.fit_question import REFERENCE_TRAFFIC, Answer, name_change
from qwen_infra.cli.output import print_table
from qwen_infra.sizing import Fit
from qwen_infra.sizing.devices import find_rules

__all__ = ["print_fit"]

_GIB = 2**30
_USABLE = {"gpu": "{gpu}, as PyTorch sees it", "cpu": "memory limit less /dev/shm (server.resources)"}


def print_fit(answer: Answer) -> None:
    """Print the answer: its verdict first."""
    fit = answer.fit
    print(_headline(fit))
    for reason in fit.reasons:
        print(f"  {reason}")
    print()
    print_table((f"memory {find_rules(fit.request.gpu).unit}", "GiB", "what it is"), _memory_rows(fit), right=("GiB",))
    print()
    for line in _capacity_lines(answer) if fit.fits else ():
        print(line)
    for note in fit.notes:
        print(f"note: {note}")
    if not fit.fits:
        _print_remedies(answer)


def _headline(fit: Fit) -> str:
    request = fit.request
    context = f"{request.max_model_len} tokens of context"
    verdict = "fits" if fit.fits else "does not fit"
    return f"{request.model.name} {request.precision} on {request.gpus} x {request.gpu.name}, {context}: {verdict}"


def _memory_rows(fit: Fit) -> Iterator[tuple[str, str, str]]:
    request, reserve = fit.request, fit.reserve
    usable = request.gpu.usable_memory_bytes
    yield "weights", _gib(fit.weights_bytes), f"tensor parallel size {request.tensor_parallel_size}"
    parts = ", ".join(
        f"{label} {_gib(size)}"
        for label, size in (
            ("activation", reserve.activation_bytes),
            ("CUDA graphs", reserve.cuda_graph_bytes),
            ("other", reserve.non_torch_bytes),
        )
        if size
    )
    yield "reserve", _gib(reserve.total_bytes), parts
    blocks = f"{fit.num_blocks} blocks of {fit.block_size_tokens} tokens, {fit.bytes_per_block / 2**20:.1f} MiB each"
    yield "cache", _gib(fit.kv_cache_bytes), blocks
    if fit.state_bytes:
        yield "  state of it", _gib(fit.state_bytes), "GDN layers, at full-length load"
    share = f"--gpu-memory-utilization {request.gpu_memory_utilization}"
    yield "asked for", _gib(fit.requested_bytes), share
    yield "usable", _gib(usable), _USABLE[request.gpu.kind].format(gpu=request.gpu.name)


def _capacity_lines(answer: Answer) -> Iterator[str]:
    fit, limit = answer.fit, answer.limit
    request, traffic, startup = fit.request, REFERENCE_TRAFFIC, fit.startup()
    yield f"requests at once   {fit.max_concurrency:.2f} of full length, {fit.short_requests_worst_case} short ones"
    yield f"--max-num-seqs     {fit.max_num_seqs}"
    yield f"longest context    {fit.longest_context_tokens} tokens (native {request.model.native_context_tokens})"
    sizes = ", ".join(map(str, fit.valid_tensor_parallel_sizes))
    yield f"valid TP sizes     {sizes}"
    yield (
        f"start-up budget    {startup.total_s} s: reading {startup.read_s:.0f}, loading {startup.load_s:.0f}, "
        f"starting {startup.initialize_s:.0f},"
    )
    yield (
        f"                   compiling {startup.compile_s:.0f}, CUDA graphs {startup.graphs_s:.0f}, "
        f"margin {startup.margin_s:.0f}; without download"
    )
    load = f"{traffic.concurrency} requests of {traffic.input_tokens} + {traffic.output_tokens} tokens"
    yield f"physical limit     {limit.tpot_ms:.2f} ms per token, first token {limit.ttft_ms:.0f} ms,"
    yield f"                   {limit.output_tokens_per_s:.0f} tokens/s ({load}); no server reaches it"


def _print_remedies(answer: Answer) -> None:
    if not answer.remedies:
        print(f"no single change makes it fit; what does: qwen-infra recommend --gpu {answer.fit.request.gpu.name}")
        print(f"  --gpus {answer.fit.request.gpus} --context {answer.fit.request.max_model_len}")
        return
    print("it would fit with one of:")
    rows = [
        (
            ", ".join(name_change(key, value, in_stack_file=answer.in_stack_file) for key, value in remedy.settings),
            f"{remedy.fit.max_concurrency:.1f}",
            f"{remedy.fit.kv_cache_gib:.1f}",
            "; ".join(remedy.fit.notes),
        )
        for remedy in answer.remedies
    ]
    print_table(("change", "requests", "cache GiB", "note"), rows, right=("requests", "cache GiB"))
    if not answer.in_stack_file:
        keys = dict.fromkeys(key for remedy in answer.remedies for key, _ in remedy.settings)
        print(f"in a stack file: {', '.join(keys)}")


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / _GIB:.2f}"
