"""The same load by ``vllm bench serve`` 0.32: its command line from a workload, and a result from its log. Pure.

Its result file is printed to the log between two marks, since a Job's log outlives its pod's file system.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from qwen_infra.benchmark.assemble import pick_median
from qwen_infra.benchmark.definitions import PERCENTILES, find_definition
from qwen_infra.benchmark.result import BenchmarkResult, DeploymentFacts, Repeat, Versions
from qwen_infra.benchmark.server_side import ServerSide, compare_with_server
from qwen_infra.benchmark.workload import Workload
from qwen_infra.client import Provenance
from qwen_infra.errors import CheckFailedError, ConfigurationError

__all__ = ["BEGIN", "END", "JOB_SCRIPT", "bench_serve_arguments", "build_job_result", "parse_log"]

BEGIN, END = (
    "=== qwen-infra: result of vllm bench serve begins ===",
    "=== qwen-infra: result of vllm bench serve ends ===",
)
JOB_SCRIPT = f"""\
set -e
seeds=$1; shift
for seed in $seeds; do
  vllm bench serve "$@" --seed "$seed" --disable-tqdm \\
    --save-result --result-dir /tmp/result --result-filename result.json
  echo '{BEGIN}'
  cat /tmp/result/result.json
  echo
  echo '{END}'
done
"""
"""Run by ``/bin/sh -c SCRIPT bench SEEDS ARGUMENTS...``; each seed is one repeat."""
_LAST_LINES = 5
_METRICS = "ttft,tpot,itl,e2el"
_NEEDED = {"completed": int, "failed": int, "total_output_tokens": int, "date": str}


def bench_serve_arguments(
    workload: Workload, *, base_url: str, model: str, tokenizer: str, percentiles: Sequence[float] = PERCENTILES
) -> list[str]:
    """The arguments after ``vllm bench serve``, without the seed.

    No warm-up is asked for: that of ``vllm bench serve`` repeats the first measured prompt, which a prefix cache then
    serves.

    Raises:
        ConfigurationError: it cannot make this load; names the value that it has no flag for.
    """
    _refuse_what_it_cannot(workload)
    chat = workload.api == "chat"
    words = [
        *("--backend", "openai-chat" if chat else "openai"),
        *("--endpoint", "/v1/chat/completions" if chat else "/v1/completions"),
        *("--base-url", base_url),
        *("--model", tokenizer),
        *("--served-model-name", model),
        *("--tokenizer", tokenizer),
        *("--dataset-name", "random"),
        *("--random-input-len", str(workload.input_tokens - workload.prefix_tokens)),
        *("--random-output-len", str(workload.output_tokens)),
        *("--num-prompts", str(workload.num_prompts)),
        *("--num-warmups", "0"),
        *("--percentile-metrics", _METRICS),
        *("--metric-percentiles", ",".join(f"{rank:g}" for rank in sorted({*PERCENTILES, *percentiles}))),
    ]
    optional = {
        "--random-prefix-len": workload.prefix_tokens or None,
        "--random-range-ratio": workload.length_spread or None,
        "--request-rate": workload.request_rate,
        "--burstiness": None if workload.burstiness == 1.0 else (workload.burstiness or "inf"),
        "--max-concurrency": workload.max_concurrency,
        "--temperature": workload.sampling.temperature,
        "--top-p": workload.sampling.top_p,
        "--top-k": workload.sampling.top_k,
        "--min-p": workload.sampling.min_p,
        "--presence-penalty": workload.sampling.presence_penalty,
        "--repetition-penalty": workload.sampling.repetition_penalty,
    }
    words += [part for flag, value in optional.items() if value is not None for part in (flag, _say(value))]
    if workload.rate_ramp is not None:
        ramp = workload.rate_ramp
        words += ["--ramp-up-strategy", ramp.shape]
        words += ["--ramp-up-start-rps", _say(ramp.start), "--ramp-up-end-rps", _say(ramp.end)]
    if workload.goodput:
        words += ["--goodput", *(f"{name}:{limit:g}" for name, limit in workload.goodput.items())]
    if workload.thinking is not None:
        words += ["--extra-body", json.dumps({"chat_template_kwargs": {"enable_thinking": workload.thinking}})]
    return [*words, *(["--ignore-eos"] if workload.ignore_eos else [])]


def parse_log(log: str) -> list[dict[str, Any]]:
    """The result of each repeat in a Job's log.

    Raises:
        CheckFailedError: there is none, or one is cut off; says so with the log's last lines.
    """
    found: list[dict[str, Any]] = []
    rest = log
    while BEGIN in rest:
        text, end, rest = rest.partition(BEGIN)[2].partition(END)
        if not end:
            raise _explain_log(log, "is cut off in the middle of its result")
        try:
            value = json.loads(text)
        except ValueError:
            raise _explain_log(log, "holds a result that is not JSON") from None
        if not isinstance(value, dict) or any(not isinstance(value.get(key), kind) for key, kind in _NEEDED.items()):
            raise _explain_log(log, "holds a result without its figures")
        found.append(value)
    if not found:
        raise _explain_log(log, "holds no result")
    return found


def build_job_result(
    documents: Sequence[Mapping[str, Any]],
    workload: Workload,
    *,
    model: str,
    provenance: Provenance,
    deployment: DeploymentFacts,
    server: ServerSide | None,
) -> BenchmarkResult:
    """One result from the repeats of a Job; the figures are those of the repeat with the median output throughput."""
    place = pick_median([float(document.get("output_throughput") or 0.0) for document in documents])
    figures = [_read_figures(document) for document in documents]
    chosen, document = figures[place], documents[place]
    started_at = datetime.strptime(str(document["date"]), "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    notes = ["vllm bench serve made no warm-up, and counts in its own clock's seconds"]
    result = BenchmarkResult.model_validate(
        {
            **chosen,
            "success_rate": _share(chosen["completed"], chosen["failed"]),
            "date": document["date"],
            "backend": document.get("backend", "openai"),
            "model_id": model,
            "num_prompts": workload.num_prompts,
            "request_rate": workload.request_rate or "inf",
            "burstiness": workload.burstiness or "inf",
            "max_concurrency": workload.max_concurrency,
            "started_at": started_at,
            "workload": workload,
            "prompts": "random, by vllm bench serve with the model's own tokenizer",
            "reached_by": "in-cluster job",
            "runner": "job",
            "provenance": provenance,
            "simulated": provenance.simulated,
            "deployment": deployment,
            "versions": Versions(tool="vllm bench serve", python="the image's", client=deployment.image or "unknown"),
            "server": server,
            "repeats": _list_repeats(workload, figures),
            "errors": {"unknown": chosen["failed"]} if chosen["failed"] else {},
            "error_examples": {"unknown": "vllm bench serve counts failures only"} if chosen["failed"] else {},
        }
    )
    if server is not None:
        notes += compare_with_server(_sum_up(result, figures), server)
        if len(figures) > 1:
            notes.append(f"the server's figures are of all {len(figures)} repeats together")
    return result.model_copy(update={"notes": tuple(notes)})


def _refuse_what_it_cannot(workload: Workload) -> None:
    refused = {
        "turns": workload.turns > 1,
        "tools": workload.tools != "none",
        "prompts": workload.prompts != "random",
        "num_prefixes": workload.num_prefixes > 1,
        "concurrency_ramp_s": workload.concurrency_ramp_s > 0,
        "goodput.ttft_content": "ttft_content" in workload.goodput,
    }
    for key in (key for key, is_used in refused.items() if is_used):
        raise ConfigurationError(
            f"vllm bench serve cannot make the load of workload {workload.name}: it has nothing like {key}",
            where="qwen-infra:benchmark.runner",
            found="job",
            expected="local",
            mend="pulumi config set --path 'qwen-infra:benchmark.runner' local",
        )


def _read_figures(document: Mapping[str, Any]) -> dict[str, Any]:
    """Everything in vLLM's document that has a definition here; its ``request_goodput:`` key has a colon."""
    values = {**document, "request_goodput": document.get("request_goodput:", document.get("request_goodput"))}
    kept = {key: value for key, value in values.items() if find_definition(key) is not None}
    return {"unfinished": 0, "failed": 0, "max_output_tokens_per_s": None, "max_concurrent_requests": None, **kept}


def _list_repeats(workload: Workload, figures: Sequence[Mapping[str, Any]]) -> tuple[Repeat, ...]:
    if len(figures) < 2:
        return ()
    return tuple(
        Repeat(
            seed=workload.seed + number,
            figures={key: float(value) for key, value in found.items() if isinstance(value, int | float)},
        )
        for number, found in enumerate(figures)
    )


def _sum_up(result: BenchmarkResult, figures: Sequence[Mapping[str, Any]]) -> BenchmarkResult:
    """All repeats as one, for what the server counted over all of them: the repeats have equally many requests."""
    found = {key: [run[key] for run in figures if run.get(key) is not None] for key in ("mean_ttft_ms", "mean_tpot_ms")}
    means = {key: sum(values) / len(values) for key, values in found.items() if values}
    tokens = sum(run["total_output_tokens"] for run in figures)
    return result.model_copy(update={**means, "total_output_tokens": tokens})


def _share(completed: int, failed: int) -> float | None:
    return completed / (completed + failed) if completed + failed else None


def _say(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _explain_log(log: str, problem: str) -> CheckFailedError:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    last = " | ".join(line[:200] for line in lines[-_LAST_LINES:]) or "it is empty"
    return CheckFailedError(
        f"the log of vllm bench serve {problem}; its last lines: {last}",
        mend="the next `pulumi up` runs it again; until it ends, kubectl logs --follow on its Job shows all of it",
    )
