import pytest

from qwen_infra.benchmark import DeploymentFacts, derive_capacity
from qwen_infra.errors import ConfigurationError
from tests.unit.benchmark.sample_result import MINIATURE, build_result

GB200 = DeploymentFacts(model="Qwen3.5-397B-A17B", precision="gptq-int4", gpu="GB200", gpus=4, replicas=1)


def test_throughput_is_told_for_a_gpu_and_for_a_user():
    found = derive_capacity(build_result(deployment=GB200))
    assert found.output_tokens_per_s_per_gpu == pytest.approx(1005.85 / 4)
    assert found.output_tokens_per_s_per_user == pytest.approx(1000 / 29.54)


def test_the_references_time_per_token_is_a_share_of_the_physical_limit():
    found = derive_capacity(build_result(deployment=GB200))
    assert found.tpot_share_of_limit is not None
    assert found.throughput_share_of_limit is not None
    assert 0.05 < found.tpot_share_of_limit < 0.3
    assert 0 < found.throughput_share_of_limit < 1


def test_a_stand_in_has_no_share_of_a_gpus_limit():
    assert derive_capacity(build_result(MINIATURE, deployment=GB200)).tpot_share_of_limit is None


def test_cost_is_the_price_of_all_gpus_over_the_tokens_of_an_hour():
    found = derive_capacity(build_result(deployment=GB200), gpu_price_per_hour=5)
    assert found.cost_per_million_output_tokens == pytest.approx(5 * 4 / (1005.85 * 3600) * 1e6)


def test_replicas_keep_three_tenths_of_the_measured_rate_free():
    assert derive_capacity(build_result(deployment=GB200), request_rate=2.0).replicas_for_rate == 3
    two = GB200.model_copy(update={"replicas": 2})
    assert derive_capacity(build_result(deployment=two), request_rate=2.0).replicas_for_rate == 6


def test_the_drain_time_is_that_of_the_longest_measured_answer():
    assert derive_capacity(build_result()).drain_s == 32 + 5  # 0.494 s + 1024 · 30.58 ms


def test_a_run_at_a_set_rate_is_a_lower_bound():
    assert derive_capacity(build_result()).is_lower_bound is True


def test_a_run_without_an_answer_says_nothing():
    with pytest.raises(ConfigurationError, match="says nothing about capacity"):
        derive_capacity(build_result(completed=0, failed=32, output_throughput=0.0))
