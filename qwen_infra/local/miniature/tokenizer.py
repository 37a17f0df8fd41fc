"""The miniature's tokenizer: byte-level BPE over its own conversations, with Qwen3.5's special tokens and template.

The template has the shape of the model's own (think block opened by the prompt, closed at once when thinking is off)
and none of its images, videos and tool results.
"""

from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast  # type: ignore[import-not-found]

from .conversations import CONVERSATIONS, tool_texts

__all__ = ["END_OF_TURN", "PADDING", "make_tokenizer"]

END_OF_TURN = "<|im_end|>"
PADDING = "<|endoftext|>"

_VOCABULARY_SIZE = 1500
_SPECIAL_TOKENS = [
    *(PADDING, "<|im_start|>", END_OF_TURN, "<think>", "</think>", "<tool_call>", "</tool_call>"),
    *("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"),
]
_CHAT_TEMPLATE = """{%- if tools %}<|im_start|>system
# Tools
{% for tool in tools %}{{ tool | tojson }}
{% endfor %}<|im_end|>
{% endif %}{%- for message in messages %}<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endfor %}{%- if add_generation_prompt %}<|im_start|>assistant
{% if enable_thinking is defined and enable_thinking is false %}<think>

</think>

{% else %}<think>
{% endif %}{% endif %}"""


def make_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """Train the tokenizer and write it to ``folder``."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    texts = [text for conversation in CONVERSATIONS for text in conversation.texts()]
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCABULARY_SIZE,
        special_tokens=_SPECIAL_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    # the weights of the two only decide which merges come first
    bpe.train_from_iterator(tool_texts() * 2 + texts * 4, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token=END_OF_TURN, pad_token=PADDING)
    tokenizer.chat_template = _CHAT_TEMPLATE
    tokenizer.save_pretrained(folder)
    return tokenizer
