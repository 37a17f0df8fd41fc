"""The ranking of ``qwen-infra recommend`` for people."""

from qwen_infra.cli.output import print_table
from qwen_infra.sizing import Choice, RecommendRequest

__all__ = ["print_choices"]

_SCORES = {"coding": "HumanEval", "agent": "BFCL v4 %", "chinese": "Chinese"}


def print_choices(choices: tuple[Choice, ...], request: RecommendRequest) -> None:
    """Print the choices, best first, and what the columns mean."""
    score = _SCORES.get(request.purpose, "overall")
    columns = ["#", "model", "precision", "TP x N", score, "requests", "spare GiB", "limit t/s"]
    if request.price_per_gpu_hour is not None:
        columns.append("per M")
    rows = [_row(number, choice, request) for number, choice in enumerate(choices, 1)]
    print(f"on {request.gpus} x {request.gpu.name} for {request.purpose}:\n")
    print_table(columns, rows, right=columns[4:])
    print("\nTP x N: GPUs of a server x servers; requests: of full length, at once; spare: cache beyond one")
    print("of them, per GPU; limit: the hardware's, under the reference's load; no server reaches it")
    if request.price_per_gpu_hour is not None:
        print("per M: cost of a million generated tokens at 30 % of that limit")
    best = choices[0].model
    if best.advice:
        print(f"\n{best.name}: {best.advice}")
    for note in choices[0].fit.notes:
        print(f"note: {note}")


def _row(number: int, choice: Choice, request: RecommendRequest) -> list[object]:
    row: list[object] = [
        number,
        choice.model.name,
        choice.precision,
        f"{choice.fit.request.tensor_parallel_size} x {choice.replicas}",
        choice.score,
        f"{choice.max_concurrency:.1f}",
        f"{choice.headroom_gib:.1f}",
        f"{choice.replicas * choice.limit.output_tokens_per_s:.0f}",
    ]
    if request.price_per_gpu_hour is not None:
        row.append(f"{choice.cost_per_million_tokens:.3f}")
    return row
