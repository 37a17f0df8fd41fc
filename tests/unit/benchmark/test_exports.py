import csv
import io
import json
from array import array

from qwen_infra.benchmark import WORKLOADS, export_csv, export_result, to_benchmark_report, to_vllm
from qwen_infra.benchmark.bench_serve import parse_log
from qwen_infra.benchmark.trace import RequestTrace
from tests.unit.benchmark.sample_result import MINIATURE, build_result
from tests.unit.benchmark.test_bench_serve import LOG


def test_vllms_document_has_the_keys_of_a_real_one():
    ours, theirs = set(to_vllm(build_result())), set(parse_log(LOG)[0])
    latencies = {key for key in theirs if key.endswith("_ms")}
    needed = {"date", "backend", "model_id", "num_prompts", "request_rate", "duration", "completed", "failed"}
    assert needed | {"output_throughput", "total_token_throughput", "max_concurrent_requests"} <= ours & theirs
    assert {key for key in ours if key.endswith("_ms")} <= latencies


def test_the_detailed_document_has_one_value_a_request():
    done = RequestTrace(
        10, sent_at_s=1.0, chunk_times_s=array("d", [1.5, 2.0]), output_tokens=2, error_kind=None, error=""
    )
    failed = RequestTrace(10, error_kind="timeout", error="too slow")
    document = to_vllm(build_result(), [done, failed])
    assert (document["ttfts"], document["itls"], document["output_lens"]) == ([0.5, 0.0], [[0.5], []], [2, 0])
    assert document["errors"] == ["", "too slow"]


def test_csv_is_one_row_a_run_under_one_header():
    rows = list(csv.DictReader(io.StringIO(export_csv([build_result(), build_result(MINIATURE)]))))
    assert [row["hardware"] for row in rows] == ["NVIDIA-GB200", "cpu"]
    assert rows[0]["mean_ttft_ms"] == "308.19"
    assert (rows[0]["workload"], rows[1]["simulated"]) == ("reference", "True")


def test_the_benchmark_report_has_the_schemas_required_parts():
    report = to_benchmark_report(build_result())
    performance = report["results"]["request_performance"]["aggregate"]
    assert (report["version"], len(report["run"]["uid"])) == ("0.2", 32)
    assert performance["requests"] == {"total": 32, "failures": 0, "incomplete": 0}
    assert performance["latency"]["time_per_output_token"]["units"] == "ms/token"
    assert performance["latency"]["time_to_first_token"] == {"units": "ms", "mean": 308.19, "p99": 494.26}
    load = report["scenario"]["load"]["standardized"]
    assert (load["source"], load["rate_qps"], load["output_seq_len"]["value"]) == ("random", 10.0, 1024)


def test_a_report_of_a_run_on_a_stand_in_says_so():
    assert to_benchmark_report(build_result(MINIATURE))["run"]["keywords"] == ["simulated"]


def test_conversations_and_spreads_are_said_in_the_reports_words():
    report = to_benchmark_report(build_result(workload=WORKLOADS["agent"]))
    assert report["scenario"]["load"]["standardized"]["multi_turn"]["max_turns"]["value"] == 8
    report = to_benchmark_report(build_result(workload=WORKLOADS["interactive"]))
    assert report["scenario"]["load"]["standardized"]["input_seq_len"]["distribution"] == "uniform"


def test_every_format_is_text_that_ends_with_a_line():
    for form in ("native", "vllm", "llm-d"):
        assert isinstance(json.loads(export_result(build_result(), form)), dict)
    assert export_result(build_result(), "csv").count("\n") == 2
