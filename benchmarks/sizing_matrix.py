"""Sizes the whole matrix (every checkpoint x GPU x valid TP x three contexts) and prints it, with its time as a ratio.

    python benchmarks/sizing_matrix.py [--quiet]

The unit of the ratio is a plain Python loop of a million additions, timed in the same run on the same core; about 30 ms
on a present server core, so that a ratio of 30 is about a second. Aim: under one second on one core.
"""

import sys
import time
from collections.abc import Callable

from qwen_infra.catalog import gpus, models
from qwen_infra.sizing import Fit, FitRequest, fit_model, list_tensor_parallel_sizes

CONTEXTS = (32768, 131072, 262144)


def main() -> None:
    baseline_s = min(time_once(count_a_million) for _ in range(5))
    load_s = time_once(load_catalogue)
    started = time.process_time()
    fits = size_matrix()
    matrix_s = time.process_time() - started
    if "--quiet" not in sys.argv:
        print_matrix(fits)
    print(f"catalogue {load_s * 1000:.1f} ms, {load_s / baseline_s:.2f} x a million additions")
    print(
        f"{len(fits)} configurations in {matrix_s:.3f} s of one core ({matrix_s / len(fits) * 1e6:.0f} us each), "
        f"{matrix_s / baseline_s:.1f} x a million additions ({baseline_s * 1000:.1f} ms)"
    )


def load_catalogue() -> None:
    models()
    gpus()


def count_a_million() -> None:
    total = 0
    for number in range(1_000_000):
        total += number


def time_once(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def size_matrix() -> list[Fit]:
    return [
        fit_model(
            FitRequest(
                model,
                precision,
                gpu,
                tensor_parallel_size=size,
                max_model_len=min(context, model.native_context_tokens),
                replicates_vision=True,
            )
        )
        for model in models()
        for precision in model.precisions
        for gpu in gpus()
        if precision in gpu.precisions
        for size in list_tensor_parallel_sizes(model, precision)
        for context in CONTEXTS
    ]


def print_matrix(fits: list[Fit]) -> None:
    print(f"{'model':24} {'precision':10} {'gpu':13} {'TP':>3} {'context':>8} {'GiB':>8} {'blocks':>8} {'fits':>9}")
    for fit in fits:
        request = fit.request
        requests = f"{fit.max_concurrency:9.2f}" if fit.fits else f"{'no':>9}"
        print(
            f"{request.model.name:24} {request.precision:10} {request.gpu.name:13} {request.tensor_parallel_size:3} "
            f"{request.max_model_len:8} {fit.weights_gib:8.2f} {fit.num_blocks:8} {requests}"
        )


if __name__ == "__main__":
    main()
