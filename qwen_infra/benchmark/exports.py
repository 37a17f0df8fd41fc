"""A result in the words of other tools: ``vllm bench serve`` JSON, a row of CSV, llm-d Benchmark Report v0.2. Pure.

What the other form cannot say is left out, never bent; its words for our figures are those with the same formula.
"""

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from qwen_infra.benchmark.definitions import find_definition
from qwen_infra.benchmark.result import BenchmarkResult
from qwen_infra.benchmark.trace import RequestTrace

__all__ = ["FORMATS", "export_csv", "export_result", "to_benchmark_report", "to_row", "to_vllm"]

FORMATS = ("native", "vllm", "csv", "llm-d")

_VLLM_KEYS = ("date", "backend", "model_id", "num_prompts", "request_rate", "burstiness", "max_concurrency")
_ROW_FACTS = ("date", "model_id", "num_prompts", "request_rate", "max_concurrency", "runner", "reached_by", "simulated")
_REPORT_STATISTICS = {**{name: name for name in ("min", "max", "p50", "p90", "p95", "p99")}, "p99.9": "p99p9"}


def export_result(result: BenchmarkResult, form: str, traces: Sequence[RequestTrace] = ()) -> str:
    """The text of a result in one of ``FORMATS``, with a line end after it; ``traces`` are for ``vllm`` alone."""
    if form == "csv":
        return export_csv([result])
    values: Mapping[str, Any]
    if form == "vllm":
        values = to_vllm(result, traces)
    elif form == "llm-d":
        values = to_benchmark_report(result)
    else:
        values = result.model_dump(mode="json")
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def to_vllm(result: BenchmarkResult, traces: Sequence[RequestTrace] = ()) -> dict[str, Any]:
    """The keys of ``vllm bench serve --save-result`` 0.32; with ``traces`` those of ``--save-detailed`` too."""
    values = result.model_dump(mode="json")
    figures = {key: value for key, value in values.items() if find_definition(key) is not None and value is not None}
    mine = ("unfinished", "success_rate", "mean_concurrent_requests", "cached_prompt_share", "request_goodput")
    kept = {key: value for key, value in figures.items() if key not in mine}
    document = {
        **{key: values[key] for key in _VLLM_KEYS},
        "endpoint_type": values["backend"],
        "label": None,
        "tokenizer_id": None,
        **kept,
        "request_goodput:": values["request_goodput"],
    }
    return {**document, **_detail(traces)} if traces else document


def to_row(result: BenchmarkResult) -> dict[str, Any]:
    """One flat row: what it was, on what, and every figure."""
    values = result.model_dump(mode="json")
    deployment = {f"deployment_{key}": value for key, value in values["deployment"].items()}
    facts = {key: values[key] for key in _ROW_FACTS}
    place = {"workload": result.workload.name, "seed": result.workload.seed, "hardware": result.provenance.hardware}
    figures = {key: value for key, value in values.items() if find_definition(key) is not None}
    server = {key: value for key, value in (values["server"] or {}).items() if find_definition(key) is not None}
    return {**facts, **place, **deployment, **figures, **server}


def export_csv(results: Sequence[BenchmarkResult]) -> str:
    """A row a result under one header; what a result lacks is empty."""
    rows = [to_row(result) for result in results]
    header = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, header, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def to_benchmark_report(result: BenchmarkResult) -> dict[str, Any]:
    """llm-d Benchmark Report v0.2 (``schema_v0_2.py`` of llm-d-benchmark, component schemas 0.0.1)."""
    identity = json.dumps([result.date, result.model_id, result.workload.load_key(), result.output_throughput])
    duration = timedelta(seconds=result.duration)
    run: dict[str, Any] = {
        "uid": hashlib.sha256(identity.encode()).hexdigest()[:32],
        "time": {
            "start": result.started_at.isoformat(),
            "end": (result.started_at + duration).isoformat(),
            "duration": f"PT{result.duration:.3f}S",
        },
        "description": result.provenance.description,
        "keywords": ["simulated"] if result.simulated else [],
    }
    return {
        "version": "0.2",
        "run": run,
        "scenario": {"load": _describe_load(result)},
        "results": {"request_performance": {"aggregate": _describe_performance(result)}},
    }


def _detail(traces: Sequence[RequestTrace]) -> dict[str, Any]:
    done = [trace.is_completed for trace in traces]
    pairs = list(zip(traces, done, strict=True))
    return {
        "input_lens": [trace.prompt_tokens for trace in traces],
        "output_lens": [trace.output_length if ok else 0 for trace, ok in pairs],
        "start_times": [trace.sent_at_s for trace in traces],
        "ttfts": [trace.ttft_s if ok else 0.0 for trace, ok in pairs],
        "itls": [
            [later - earlier for earlier, later in zip(trace.chunk_times_s, trace.chunk_times_s[1:], strict=False)]
            for trace in traces
        ],
        "latencies": [trace.latency_s if ok else 0.0 for trace, ok in pairs],
        "queue_times": [trace.queued_s for trace in traces],
        "errors": [trace.error for trace in traces],
    }


def _describe_load(result: BenchmarkResult) -> dict[str, Any]:
    workload = result.workload
    version = result.versions.tool if result.versions else "unknown"
    standardized: dict[str, Any] = {
        "tool": "vllm-benchmark" if result.runner == "job" else "qwen-infra",
        "tool_version": version,
        "source": "random" if workload.prompts == "random" else "sampled",
        "input_seq_len": _describe_length(workload.input_tokens, workload.length_spread),
    }
    if workload.ignore_eos:
        standardized["output_seq_len"] = _describe_length(workload.output_tokens, workload.length_spread)
    if workload.request_rate is not None:
        standardized["rate_qps"] = workload.request_rate
    if workload.max_concurrency is not None:
        standardized["concurrency"] = workload.max_concurrency
    if workload.turns > 1:
        standardized["multi_turn"] = {"enabled": True, "max_turns": {"distribution": "fixed", "value": workload.turns}}
    key = json.dumps(workload.load_key(), sort_keys=True)
    return {
        "metadata": {"schema_version": "0.0.1", "cfg_id": hashlib.sha256(key.encode()).hexdigest()[:16]},
        "standardized": standardized,
        "native": {"config": workload.model_dump(mode="json")},
    }


def _describe_length(tokens: int, spread: float) -> dict[str, Any]:
    if not spread:
        return {"distribution": "fixed", "value": tokens}
    low, high = int(tokens * (1 - spread)), int(tokens * (1 + spread))
    return {"distribution": "uniform", "value": tokens, "min": low, "max": high}


def _describe_performance(result: BenchmarkResult) -> dict[str, Any]:
    total = result.completed + result.failed + result.unfinished
    latency = {
        "time_to_first_token": _describe_latency(result, "ttft", "ms"),
        "time_per_output_token": _describe_latency(result, "tpot", "ms/token"),
        "inter_token_latency": _describe_latency(result, "itl", "ms/token"),
        "request_latency": _describe_latency(result, "e2el", "ms"),
    }
    rates = {
        "output_token_rate": (result.output_throughput, "tokens/s"),
        "total_token_rate": (result.total_token_throughput, "tokens/s"),
        "request_rate": (result.request_throughput, "queries/s"),
    }
    return {
        "requests": {"total": total, "failures": result.failed, "incomplete": result.unfinished},
        "latency": {name: found for name, found in latency.items() if found is not None},
        "throughput": {name: {"units": unit, "mean": mean} for name, (mean, unit) in rates.items() if mean is not None},
    }


def _describe_latency(result: BenchmarkResult, name: str, unit: str) -> dict[str, Any] | None:
    mean = result.value(f"mean_{name}_ms")
    if mean is None:
        return None
    values = {theirs: result.value(f"{ours}_{name}_ms") for ours, theirs in _REPORT_STATISTICS.items()}
    values["stddev"] = result.value(f"std_{name}_ms")
    return {"units": unit, "mean": mean, **{key: value for key, value in values.items() if value is not None}}
