"""What each feature of the stack file becomes on vLLM's command line, in the environment and in the warnings."""

import json
from typing import Any

import pytest

from qwen_infra.errors import ConfigurationError
from qwen_infra.planning import DeploymentPlan, make_plan
from qwen_infra.settings import load_settings

LARGE_ON_GB200: dict[str, Any] = {
    "model": "Qwen3.5-397B-A17B",
    "precision": "gptq-int4",
    "gpu": "GB200",
    "tensorParallelSize": 4,
}


def plan(model: str = "Qwen3.5-4B", gpu: str = "H200", precision: str = "bf16", **server: Any) -> DeploymentPlan:
    raw = {
        "cluster": {"identifier": "test"},
        "model": {"name": model, "precision": precision},
        "server": {"gpu": gpu, "maxModelLen": 32768, **server},
    }
    return make_plan(load_settings({f"qwen-infra:{key}": value for key, value in raw.items()}))


def value(made: DeploymentPlan, flag: str) -> str:
    words = made.server.arguments.command()
    return words[words.index(flag) + 1]


def refusal(**settings: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        plan(**settings)
    return str(caught.value)


def warned(made: DeploymentPlan, text: str) -> bool:
    return any(text in warning for warning in made.warnings)


def test_thinking_may_be_off_for_the_whole_server() -> None:
    made = plan(thinkingByDefault=False)
    assert json.loads(value(made, "--default-chat-template-kwargs")) == {"enable_thinking": False}
    assert made.server.arguments.thinks_by_default is False


def test_a_small_model_may_think_by_default() -> None:
    made = plan(model="Qwen3.5-2B", thinkingByDefault=True)
    assert json.loads(value(made, "--default-chat-template-kwargs")) == {"enable_thinking": True}
    assert made.server.arguments.thinks_by_default is True


def test_a_small_model_without_the_parser_needs_no_thinking_default() -> None:
    assert "--default-chat-template-kwargs" not in plan(model="Qwen3.5-2B", thinking=False).server.arguments.command()


def test_thoughts_that_stay_in_the_answers_are_warned_of() -> None:
    assert warned(plan(thinking=False), "its thoughts will stand inside the answers")


def test_mtp_is_the_methods_current_name_and_comes_with_its_warnings() -> None:
    made = plan(mtpTokens=2)
    assert json.loads(value(made, "--speculative-config")) == {"method": "mtp", "num_speculative_tokens": 2}
    assert warned(made, "#34948")
    assert warned(made, "one MTP layer")


def test_many_mtp_tokens_are_warned_of_with_the_report() -> None:
    assert warned(plan(mtpTokens=4), "#37035")


def test_mtp_on_amd_is_warned_of() -> None:
    assert warned(plan(gpu="MI300X", mtpTokens=1), "MTP on AMD")


def test_mtp_takes_memory_in_the_prediction() -> None:
    assert plan(mtpTokens=2).fit.num_blocks < plan().fit.num_blocks


@pytest.mark.parametrize(("tokens", "factor"), [(300000, 2.0), (524288, 2.0), (524289, 4.0), (1010000, 4.0)])
def test_a_long_context_takes_the_smallest_yarn_factor_that_reaches_it(tokens: int, factor: float) -> None:
    made = plan(maxModelLen=tokens, longContext=True)
    rope = json.loads(value(made, "--hf-overrides"))["text_config"]["rope_parameters"]
    assert (rope["rope_type"], rope["factor"]) == ("yarn", factor)
    assert rope["original_max_position_embeddings"] == 262144
    assert made.server.environment["VLLM_ALLOW_LONG_MAX_MODEL_LEN"] == "1"
    assert warned(made, "short prompts worse")


def test_a_long_context_that_was_not_asked_for_is_one_line_with_the_command() -> None:
    told = refusal(maxModelLen=300000)
    assert told.startswith("qwen-infra:server.maxModelLen: Qwen3.5-4B takes at most 262144 tokens")
    assert "pulumi config set --path qwen-infra:server.longContext true" in told
    assert "\n" not in told


def test_more_than_the_extended_context_is_refused() -> None:
    assert "at most 1010000" in refusal(maxModelLen=2000000, longContext=True)


def test_a_small_model_has_no_long_context() -> None:
    assert "at most 262144" in refusal(model="Qwen3.5-0.8B", maxModelLen=300000, longContext=True)


def test_a_needless_long_context_changes_nothing_and_says_so() -> None:
    made = plan(longContext=True)
    assert "--hf-overrides" not in made.server.arguments.command()
    assert "VLLM_ALLOW_LONG_MAX_MODEL_LEN" not in made.server.environment
    assert warned(made, "longContext does nothing")


def test_text_only_loads_no_vision_tower() -> None:
    made = plan(textOnly=True)
    assert "--language-model-only" in made.server.arguments.command()
    assert made.fit.weights_bytes < plan().fit.weights_bytes


def test_the_encoder_is_spread_over_the_gpus_on_request() -> None:
    made = plan(model="Qwen3.5-9B", encoderDataParallel=True, tensorParallelSize=2)
    assert value(made, "--mm-encoder-tp-mode") == "data"


def test_spreading_an_encoder_that_is_not_loaded_is_refused() -> None:
    told = refusal(encoderDataParallel=True, textOnly=True)
    assert told.startswith("qwen-infra:server.encoderDataParallel: there is no vision tower to spread")


def test_spreading_the_encoder_over_one_gpu_is_warned_of() -> None:
    assert warned(plan(encoderDataParallel=True), "does nothing on one GPU")


@pytest.mark.parametrize(("dtype", "least"), [("fp8", 1.9), ("nvfp4", 3.3)])
def test_a_smaller_cache_type_holds_more_tokens_and_is_warned_of(dtype: str, least: float) -> None:
    made, plain = plan(kvCacheDtype=dtype, gpu="B200"), plan(gpu="B200")
    assert value(made, "--kv-cache-dtype") == dtype
    tokens = made.fit.num_blocks * made.fit.block_size_tokens
    assert tokens > least * plain.fit.num_blocks * plain.fit.block_size_tokens
    assert warned(made, f"kvCacheDtype {dtype}")


def test_an_nvfp4_cache_on_amd_is_refused() -> None:
    assert "has no NVFP4 KV cache" in refusal(gpu="MI300X", kvCacheDtype="nvfp4")


def test_offloading_uses_the_backend_that_hybrid_models_can_use() -> None:
    made = plan(kvOffloadingGib=64)
    assert (value(made, "--kv-offloading-size"), value(made, "--kv-offloading-backend")) == ("64.0", "native")


def test_official_checkpoints_get_no_quantization_flag() -> None:
    made = plan(**LARGE_ON_GB200)
    assert "--quantization" not in made.server.arguments.command()


def test_the_references_quantization_stays_possible_and_is_warned_of() -> None:
    made = plan(**LARGE_ON_GB200, quantization="moe_wna16")
    assert value(made, "--quantization") == "moe_wna16"
    assert warned(made, "vLLM finds that of an official checkpoint by itself")


def test_a_sampling_preset_is_the_model_cards_and_may_be_changed() -> None:
    made = plan(samplingDefaults={"preset": "thinking", "temperature": 0.5})
    assert json.loads(value(made, "--override-generation-config")) == {
        "temperature": 0.5,
        "top_p": 0.95,
        "top_k": 20,
        "min_p": 0.0,
        "presence_penalty": 1.5,
        "repetition_penalty": 1.0,
    }


def test_an_unknown_sampling_preset_is_refused_with_those_that_exist() -> None:
    told = refusal(samplingDefaults={"preset": "thinkin"})
    assert "qwen-infra:server.samplingDefaults.preset: Qwen3.5-4B has no such preset (found thinkin" in told
    assert "thinking, " in told


def test_empty_sampling_defaults_are_refused() -> None:
    assert "neither a preset nor a value" in refusal(samplingDefaults={})


def test_without_sampling_defaults_the_checkpoints_own_hold() -> None:
    assert "--override-generation-config" not in plan().server.arguments.command()


def test_amd_gets_its_fast_kernels() -> None:
    assert plan(gpu="MI300X").server.environment["VLLM_ROCM_USE_AITER"] == "1"


def test_vllm_reports_its_usage_to_nobody_unless_asked() -> None:
    assert plan().server.environment["VLLM_NO_USAGE_STATS"] == "1"
    assert "VLLM_NO_USAGE_STATS" not in plan(usageStatistics=True).server.environment


def test_a_plain_deployment_has_nothing_to_warn_of() -> None:
    image = f"vllm/vllm-openai:v0.32.0@sha256:{'a' * 64}"
    assert plan(**LARGE_ON_GB200, maxNumSeqs=64, image=image).warnings == ()
