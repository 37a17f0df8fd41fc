"""What a simulator is started with. The command line that fills it is ``__main__``."""

from dataclasses import dataclass, field

from qwen_infra.simulator.profile import REFERENCE, TimingProfile

__all__ = ["VLLM_VERSION", "SimulatorSettings"]

VLLM_VERSION = "0.32.0"


@dataclass(frozen=True)
class SimulatorSettings:
    """Settings of one server.

    Args:
        served_model_name: the name that clients ask for.
        model_root: path or repository that /v1/models shows as root.
        max_model_len: context length in tokens.
        profile: timing and cache.
        time_scale: factor on every time of the profile; 0.1 is ten times faster.
        startup_s: seconds of 503 after the start (not scaled).
        stall_s: how long the fault ``stall`` holds a stream (not scaled).
        seed: of the jitter.
        api_key: key of the guarded paths; None leaves them open, as vLLM does.
        thinks_by_default: False behaves as the 0.8B and 2B do, their trap with ``--reasoning-parser qwen3`` included.
        default_enable_thinking: ``--default-chat-template-kwargs '{"enable_thinking": ...}'``; None without that flag.
        text_only: ``--language-model-only``: pictures are refused.
        faults: active from the start.
    """

    served_model_name: str = "qwen3.5"
    model_root: str = "/Qwen3.5-397B-A17B-GPTQ-Int4"
    max_model_len: int = 262144
    profile: TimingProfile = field(default=REFERENCE)
    time_scale: float = 1.0
    startup_s: float = 0.0
    stall_s: float = 600.0
    seed: int = 0
    api_key: str | None = None
    thinks_by_default: bool = True
    default_enable_thinking: bool | None = None
    text_only: bool = False
    faults: tuple[str, ...] = ()
