"""The miniature's shape: Qwen3.5's hybrid of Gated DeltaNet and attention, as small as vLLM's kernels allow.

Four layers (three linear, one full attention), 3.6 M parameters, a toy vision tower that is never loaded.
"""

import json
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerFast  # type: ignore[import-not-found]

from .tokenizer import END_OF_TURN, PADDING

__all__ = ["write_configuration", "write_generation_defaults"]

_TEXT: dict[str, Any] = {
    "model_type": "qwen3_5_text",
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "layer_types": ["linear_attention"] * 3 + ["full_attention"],
    "full_attention_interval": 4,
    "linear_conv_kernel_dim": 4,
    "linear_key_head_dim": 64,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_value_head_dim": 64,
    "max_position_embeddings": 32768,
    "vocab_size": 2048,
    "tie_word_embeddings": True,
    "rms_norm_eps": 1e-6,
    "dtype": "bfloat16",
    "mtp_num_hidden_layers": 0,
    "attn_output_gate": True,
    "mamba_ssm_dtype": "float32",
    "rope_parameters": {
        "rope_type": "default",
        "rope_theta": 10_000_000,
        "partial_rotary_factor": 0.25,
        "mrope_interleaved": True,
        "mrope_section": [2, 3, 3],
    },
}
_VISION: dict[str, Any] = {
    "model_type": "qwen3_5_vision",
    "depth": 2,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_heads": 2,
    "out_hidden_size": 256,
    "patch_size": 16,
    "spatial_merge_size": 2,
    "temporal_patch_size": 2,
    "in_channels": 3,
    "num_position_embeddings": 2304,
    "deepstack_visual_indexes": [],
}
_PATCHES: dict[str, Any] = {
    "patch_size": 16,
    "temporal_patch_size": 2,
    "merge_size": 2,
    "image_mean": [0.5] * 3,
    "image_std": [0.5] * 3,
    "processor_class": "Qwen3VLProcessor",
}
_IMAGES = {
    "size": {"longest_edge": 16_777_216, "shortest_edge": 65_536},
    "image_processor_type": "Qwen2VLImageProcessorFast",
}
_VIDEOS = {
    "size": {"longest_edge": 25_165_824, "shortest_edge": 4_096},
    "video_processor_type": "Qwen3VLVideoProcessor",
}


def write_configuration(folder: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    """Write ``config.json`` and the two processors' configurations that vLLM reads even for text only."""
    token = tokenizer.convert_tokens_to_ids
    model = {
        "architectures": ["Qwen3_5ForConditionalGeneration"],
        "model_type": "qwen3_5",
        "text_config": {**_TEXT, "eos_token_id": token(END_OF_TURN)},
        "vision_config": _VISION,
        "tie_word_embeddings": True,
        "image_token_id": token("<|image_pad|>"),
        "video_token_id": token("<|video_pad|>"),
        "vision_start_token_id": token("<|vision_start|>"),
        "vision_end_token_id": token("<|vision_end|>"),
    }
    _write(folder / "config.json", model)
    _write(folder / "preprocessor_config.json", _PATCHES | _IMAGES)
    _write(folder / "video_preprocessor_config.json", _PATCHES | _VIDEOS)


def write_generation_defaults(folder: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    """Write the sampling defaults of the 397B checkpoint, which vLLM uses where a request names none.

    Its top_p is also what makes a text learned by heart come out right at temperature 1.
    """
    token = tokenizer.convert_tokens_to_ids
    defaults = {
        "do_sample": True,
        "temperature": 0.6,
        "top_p": 0.95,
        "top_k": 20,
        "eos_token_id": token(END_OF_TURN),
        "pad_token_id": token(PADDING),
    }
    _write(folder / "generation_config.json", defaults)


def _write(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1))
