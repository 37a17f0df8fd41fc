"""From settings to a plan."""

from typing import Any

import pytest

from qwen_infra.errors import ConfigurationError
from qwen_infra.planning import make_plan
from qwen_infra.settings import load_settings


def plan(**changes: Any) -> Any:
    raw: dict[str, Any] = {
        "cluster": {"identifier": "test"},
        "model": {"name": "Qwen3.5-397B-A17B", "precision": "gptq-int4"},
        "server": {"gpu": "GB200", "tensorParallelSize": 4},
    }
    return make_plan(load_settings({f"qwen-infra:{key}": value for key, value in (raw | changes).items()}))


def small(**server: Any) -> Any:
    model = {"name": "Qwen3.5-0.8B", "precision": "bf16"}
    return plan(model=model, server={"gpu": "L4", "maxModelLen": 8192, **server})


def test_names_are_derived_from_the_model() -> None:
    found = plan()
    assert (found.server.name, found.endpoint.service_name) == ("vllm-qwen35-397b", "vllm-qwen35-397b-service")


def test_a_checkpoint_is_mounted_under_its_own_name() -> None:
    assert plan().server.arguments.model_path == "/Qwen3.5-397B-A17B-GPTQ-Int4"


def test_max_num_seqs_is_always_set() -> None:
    assert "--max-num-seqs" in plan().server.arguments.command()


def test_small_models_get_thinking_off_as_the_servers_default() -> None:
    command = small().server.arguments.command()
    assert command[command.index("--default-chat-template-kwargs") + 1] == '{"enable_thinking": false}'


def test_large_models_keep_thinking_on() -> None:
    assert "--default-chat-template-kwargs" not in plan().server.arguments.command()


def test_prefix_caching_is_said_either_way() -> None:
    assert "--enable-prefix-caching" in small().server.arguments.command()
    assert "--no-enable-prefix-caching" in small(prefixCaching=False).server.arguments.command()


def test_extra_arguments_are_split_as_a_shell_would() -> None:
    assert small(extraArgs=["--seed 7", "--uvicorn-log-level=info"]).server.arguments.extra == (
        "--seed",
        "7",
        "--uvicorn-log-level=info",
    )


@pytest.mark.parametrize("words", ["--api-key sk-x", "--api-key=sk-x"])
def test_an_api_key_among_the_arguments_is_refused(words: str) -> None:
    with pytest.raises(ConfigurationError, match="process list"):
        small(extraArgs=[words])


def test_a_service_named_vllm_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="VLLM_PORT"):
        plan(endpoint={"serviceName": "vllm"})


def test_an_unknown_model_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match=r"Qwen3\.5-397B-A17B"):
        plan(model={"name": "Qwen3.5-379B-A17B", "precision": "gptq-int4"})


def test_a_model_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        plan(server={"gpu": "L4", "tensorParallelSize": 1})


def test_the_grace_period_is_longer_than_the_drain() -> None:
    server = plan().server
    assert server.termination_grace_s > server.drain_delay_s + server.arguments.shutdown_timeout_s


def test_a_benchmarks_sampling_is_taken_from_the_model_card_by_its_mode() -> None:
    sampled = plan(benchmark={"workload": {"preset": "interactive", "sampling": "thinking"}}).benchmark.workload
    assert (sampled["sampling"]["temperature"], sampled["sampling"]["top_k"]) == (0.6, 20)


def test_a_sampling_mode_that_the_card_has_not_is_refused_with_those_it_has() -> None:
    with pytest.raises(ConfigurationError, match=r"no such preset \(found hot, expected one of: thinking"):
        plan(benchmark={"workload": {"preset": "interactive", "sampling": "hot"}})
