"""What works but deserves a second look, each as one sentence; shown by previews and by ``qwen-infra render``."""

from collections.abc import Iterator

from qwen_infra.catalog import Gpu, Model
from qwen_infra.planning.long_context import needs_yarn
from qwen_infra.planning.operations import is_commit
from qwen_infra.settings import ServerSettings, StackSettings
from qwen_infra.sizing import Fit

__all__ = ["list_warnings", "warn_of_rollout"]

MTP_SAFE_TOKENS = 3
"""Above it: reported crashes (vllm #37035); the one MTP layer is then used again for each further token."""


def list_warnings(server: ServerSettings, model: Model, gpu: Gpu, fit: Fit) -> tuple[str, ...]:
    """The warnings of a deployment, the most expensive one to overlook first."""
    return (
        *_speculation(server, gpu),
        *_context(server, model),
        *_caches(server, fit),
        *_answers(server, model, fit),
        *fit.notes,
    )


def warn_of_rollout(settings: StackSettings) -> Iterator[str]:
    """What a second generation is not made for."""
    if settings.server.rollout == "blueGreen" and settings.cache.download and not is_commit(settings.model.revision):
        yield (
            f"server.rollout blueGreen: model.revision {settings.model.revision} is no commit, and other weights under "
            "the same name would replace the serving pods instead of making a second generation; name a commit: "
            "qwen-infra model pin"
        )


def _speculation(server: ServerSettings, gpu: Gpu) -> Iterator[str]:
    if not server.mtp_tokens:
        return
    key = f"server.mtpTokens {server.mtp_tokens}"
    yield (
        f"{key}: for latency at low load; under load or with long contexts illegal memory accesses were reported "
        "(vllm #34948, #40756), so verify it with your own load"
    )
    if server.mtp_tokens > MTP_SAFE_TOKENS:
        yield f"{key}: more than {MTP_SAFE_TOKENS} crashed in reports (vllm #37035); 1 or 2 are what the cards use"
    elif server.mtp_tokens > 1:
        yield f"{key}: Qwen3.5 has one MTP layer, which is used again for every further token: fewer are accepted"
    if gpu.kind == "cpu":
        yield f"{key}: without Intel's OpenMP library loaded, drafts on a processor cost more than they save"
    if gpu.vendor == "amd":
        yield f"{key}: MTP on AMD is under development (vLLM's recipe)"


def _context(server: ServerSettings, model: Model) -> Iterator[str]:
    if needs_yarn(model, server.max_model_len):
        yield (
            "server.longContext: static YaRN makes answers to short prompts worse; serve those from a deployment of "
            "their own, without it"
        )
    elif server.long_context:
        yield (
            f"server.longContext does nothing: a context of {server.max_model_len} tokens is within the model's own "
            f"{model.native_context_tokens}"
        )


def _caches(server: ServerSettings, fit: Fit) -> Iterator[str]:
    if fit.kv_cache_dtype.startswith("fp8") and fit.request.gpu.kind == "cpu":
        yield f"server.kvCacheDtype {server.kv_cache_dtype}: vLLM refuses it on processors without AVX-512 or AMX"
    elif fit.kv_cache_dtype.startswith("fp8") and server.kv_cache_dtype != "auto":
        yield (
            f"server.kvCacheDtype {server.kv_cache_dtype}: without calibrated scales it can cost reasoning quality, "
            "and it was slower on Hopper in reports (vllm #48786); measure before and after"
        )
    if server.kv_cache_dtype == "nvfp4":
        yield (
            "server.kvCacheDtype nvfp4: 4 bits a value, the newest of the cache types; its memory is computed from "
            "vLLM's source, its quality was not measured"
        )
    if server.encoder_data_parallel and server.tensor_parallel_size == 1:
        yield "server.encoderDataParallel does nothing on one GPU"


def _answers(server: ServerSettings, model: Model, fit: Fit) -> Iterator[str]:
    thinks = model.default_thinking if server.thinking_by_default is None else server.thinking_by_default
    if thinks and not server.thinking and model.reasoning_parser is not None:
        yield "server.thinking is off but the model thinks: its thoughts will stand inside the answers"
    if server.quantization and fit.request.checkpoint.official:
        yield (
            f"server.quantization {server.quantization}: vLLM finds that of an official checkpoint by itself, "
            "often a faster one"
        )
