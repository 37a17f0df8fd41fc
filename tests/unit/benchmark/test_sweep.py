import asyncio

import pytest

from qwen_infra.benchmark import Workload, run_benchmark, run_sweep
from qwen_infra.benchmark.sweep import SweepPoint, find_knee, find_stop
from qwen_infra.client import ConnectionFailedError, Endpoint
from qwen_infra.simulator import INSTANT, SimulatorSettings
from tests.unit.simulator.conftest import LiveServer


def points(*throughputs: float, success: float = 1.0, partial: bool = False) -> list[SweepPoint]:
    return [
        SweepPoint(
            concurrency=2**number,
            output_throughput=throughput,
            tokens_per_s_per_user=None,
            p99_ttft_ms=None,
            mean_tpot_ms=None,
            success_rate=success,
            partial=partial,
        )
        for number, throughput in enumerate(throughputs)
    ]


def test_a_sweep_goes_on_while_throughput_grows():
    assert find_stop(points(100, 190, 340), limit=64) is None


@pytest.mark.parametrize(
    ("found", "limit", "reason"),
    [
        (points(100, 190, 195), 64, "4 at once brought 2.6% more throughput than 2"),
        (points(100, 80), 64, "2 at once brought -20.0% more throughput than 1"),
        (points(100, 190), 2, "the limit of 2 at once was reached"),
        (points(100, success=0.9), 64, "only 90% of the requests at 1 were answered"),
        (points(100, partial=True), 64, "the run at 1 was cut short"),
    ],
)
def test_it_stops_by_its_rules_and_says_which(found, limit, reason):
    assert find_stop(found, limit) == reason


def test_the_knee_is_the_least_concurrency_with_nine_tenths_of_the_best():
    assert find_knee(points(100, 190, 340, 360, 350)) == 4
    assert find_knee(points(0, 0)) is None
    assert find_knee([]) is None


def test_a_real_server_is_swept_to_the_limit_with_other_prompts_each_time():
    workload = Workload(input_tokens=16, output_tokens=4, num_prompts=1, ignore_eos=True)
    with LiveServer(SimulatorSettings(profile=INSTANT, max_model_len=4096)) as server:
        endpoint = Endpoint(url=server.url, model="qwen3.5")
        found = asyncio.run(run_sweep(endpoint, workload, limit=2, vocabulary_size=248320))
    assert [point.concurrency for point in found.points] in ([1], [1, 2])
    assert (found.simulated, found.knee is not None) == (True, True)
    assert [result.workload.seed for result in found.results] == list(range(len(found.points)))


def test_a_server_that_dies_during_a_sweep_leaves_the_steps_before(monkeypatch):
    asked = []

    async def run_once(*arguments, **options):
        asked.append(arguments)
        if len(asked) > 1:
            raise ConnectionFailedError("nothing listens there")
        return await run_benchmark(*arguments, **options)

    monkeypatch.setattr("qwen_infra.benchmark.sweep.run_benchmark", run_once)
    workload = Workload(input_tokens=16, output_tokens=4, num_prompts=1, ignore_eos=True)
    with LiveServer(SimulatorSettings(profile=INSTANT, max_model_len=4096)) as server:
        endpoint = Endpoint(url=server.url, model="qwen3.5")
        found = asyncio.run(run_sweep(endpoint, workload, limit=8, vocabulary_size=248320))
    assert [point.concurrency for point in found.points] == [1]
    assert found.stopped_because == "the run at 2 could not begin: nothing listens there"
