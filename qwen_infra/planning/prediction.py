"""What sizing says of the settings: memory, blocks, start-up budget; what cannot start is refused here."""

from typing import Any

from qwen_infra.catalog import Gpu, Model
from qwen_infra.errors import ConfigurationError
from qwen_infra.planning.accelerator import size_accelerator
from qwen_infra.planning.model_source import find_stack_checkpoint
from qwen_infra.planning.resources import plan_resources
from qwen_infra.planning.start_timeouts import StartTimeouts
from qwen_infra.settings import StackSettings
from qwen_infra.sizing import Fit, FitRequest, describe_misfit, fit_model

__all__ = ["build_fit_request", "describe_prediction", "predict_fit"]


def build_fit_request(settings: StackSettings, model: Model, gpu: Gpu) -> FitRequest:
    """The settings as the question that sizing answers."""
    server = settings.server
    return FitRequest(
        model=model,
        precision=find_stack_checkpoint(settings, model).precision,
        gpu=size_accelerator(gpu, plan_resources(server, gpu, server.tensor_parallel_size)),
        tensor_parallel_size=server.tensor_parallel_size,
        pipeline_parallel_size=server.pipeline_parallel_size,
        data_parallel_size=server.data_parallel_size,
        expert_parallel=server.expert_parallel,
        max_model_len=server.max_model_len,
        gpu_memory_utilization=server.gpu_memory_utilization,
        max_num_seqs=server.max_num_seqs,
        max_num_batched_tokens=server.max_num_batched_tokens,
        text_only=server.text_only,
        mtp_tokens=server.mtp_tokens,
        prefix_caching=server.prefix_caching,
        kv_cache_dtype=server.kv_cache_dtype,
        state_dtype=server.state_dtype,
        replicates_vision=server.encoder_data_parallel,
        long_context=server.long_context,
        enforce_eager=server.enforce_eager,
    )


def predict_fit(settings: StackSettings, model: Model, gpu: Gpu) -> Fit:
    """Memory, blocks and start-up budget of the settings.

    Raises:
        ConfigurationError: it does not fit (with the changes that would), or the combination makes no sense.
    """
    fit = fit_model(build_fit_request(settings, model, gpu))
    if not fit.fits:
        raise ConfigurationError(describe_misfit(fit), where="qwen-infra:server")
    return fit


def describe_prediction(fit: Fit, start: StartTimeouts) -> dict[str, Any]:
    """What a stack puts out of its prediction: blocks, concurrency, memory by part [GiB], the start-up budget [s]."""
    return fit.to_json() | {
        "startup_budget_s": start.container_s,
        "startup_parts_s": {name: round(seconds, 1) for name, seconds in start.budget.parts_s.items()},
        "rollout_timeout_s": start.rollout_s,
    }
