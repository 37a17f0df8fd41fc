"""The state of one running server: settings, faults, engine, metrics, and what every endpoint asks of them."""

import time
import uuid
from dataclasses import dataclass
from http import HTTPStatus

from qwen_infra.simulator.api_errors import ApiError
from qwen_infra.simulator.engine import Engine
from qwen_infra.simulator.faults import FaultSwitch
from qwen_infra.simulator.metrics import EngineMetrics
from qwen_infra.simulator.reply import Reply
from qwen_infra.simulator.settings import VLLM_VERSION, SimulatorSettings

__all__ = ["Identity", "Simulation"]

SLOW_START_S = 600.0
OTHER_MODEL_NAME = "some-other-model"


@dataclass(frozen=True)
class Identity:
    """What every event and body of one answer repeats."""

    id: str
    created_s: int
    model: str
    fingerprint: str = f"vllm-{VLLM_VERSION}-simulated"


class Simulation:
    """One simulated vLLM.

    Args:
        settings: what it was started with.
    """

    def __init__(self, settings: SimulatorSettings) -> None:
        self.settings = settings
        self.faults = FaultSwitch(settings.faults)
        self.metrics = EngineMetrics(settings.served_model_name, settings.max_model_len, _cache_labels(settings))
        self.engine = Engine(
            settings.profile,
            self.metrics,
            self.faults,
            max_model_len=settings.max_model_len,
            time_scale=settings.time_scale,
            seed=settings.seed,
        )
        self.created_s = int(time.time())
        self._started_s = time.monotonic()
        self._previous_reply: Reply | None = None

    @property
    def model_name(self) -> str:
        """The name that is served now."""
        return OTHER_MODEL_NAME if self.faults.is_active("wrong-served-model") else self.settings.served_model_name

    @property
    def is_ready(self) -> bool:
        """Whether the start-up time is over."""
        startup_s = SLOW_START_S if self.faults.is_active("slow-start") else self.settings.startup_s
        return time.monotonic() - self._started_s >= startup_s

    def check_model(self, name: str | None) -> None:
        """Refuse a name that is not served; no name at all is served, as in vLLM."""
        if name and name != self.model_name:
            message = f"The model `{name}` does not exist. Valid aliases: {self.model_name}."
            raise ApiError(message, status=HTTPStatus.NOT_FOUND, kind="NotFoundError", param="model")

    def check_engine(self) -> None:
        """Show the faults that stop every generation."""
        if self.faults.is_active("dead-engine"):
            raise ApiError.server("EngineCore encountered an issue. See stack trace (above) for the root cause.")
        if self.faults.is_active("server-error"):
            raise ApiError.server("Internal server error")
        if self.faults.is_active("overloaded"):
            status = HTTPStatus.SERVICE_UNAVAILABLE
            raise ApiError("The server is overloaded, try again later.", status=status, kind="ServiceUnavailableError")

    def check_length(self, prompt_tokens: int) -> None:
        """Refuse a prompt longer than the context, in vLLM's words."""
        limit = self.settings.max_model_len
        if prompt_tokens <= limit:
            return
        if self.faults.is_active("context-overflow-500"):
            raise ApiError.server("EngineCore encountered an issue. See stack trace (above) for the root cause.")
        qualifier = "at least " if prompt_tokens == limit + 1 else ""
        message = (
            f"This model's maximum context length is {limit} tokens. However, your prompt contains {qualifier}"
            f"{prompt_tokens} input tokens, which exceeds this limit even without any output tokens. "
            "Please reduce the length of the input prompt."
        )
        raise ApiError.invalid(message, "input_tokens", prompt_tokens)

    def identify(self, prefix: str, request_id: str | None) -> Identity:
        """Id, time and model of a new answer."""
        return Identity(f"{prefix}-{request_id or uuid.uuid4().hex}", int(time.time()), self.model_name)

    def swap_reply(self, reply: Reply) -> Reply:
        """Remember ``reply``; under the fault mixed-up-answers give the one before instead."""
        previous, self._previous_reply = self._previous_reply, reply
        return previous if previous is not None and self.faults.is_active("mixed-up-answers") else reply


def _cache_labels(settings: SimulatorSettings) -> dict[str, str]:
    cache = settings.profile.cache
    return {
        "block_size": str(cache.block_size_tokens),
        "cache_dtype": "auto",
        "enable_prefix_caching": str(cache.prefix_caching),
        "gpu_memory_utilization": str(cache.gpu_memory_utilization),
        "kv_cache_max_concurrency": str(cache.max_concurrency(settings.max_model_len)),
        "mamba_block_size": str(cache.block_size_tokens),
        "mamba_cache_dtype": "auto",
        "mamba_cache_mode": "align" if cache.prefix_caching else "none",
        "mamba_ssm_cache_dtype": "float32",
        "num_gpu_blocks": str(cache.num_gpu_blocks),
        "num_gpu_blocks_override": "None",
        "simulated": "True",
    }
