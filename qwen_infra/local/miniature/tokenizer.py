"""The miniature's tokenizer: byte-level BPE over its own conversations, with Qwen3.5's special tokens and template.

Whoever loads a model whose type is ``qwen3_5``, vLLM too, gets Qwen3.5's way of cutting text into words, whatever the
saved tokenizer says; digits stand alone in it, for one. So this one is trained with that way of cutting.

The template has the shape of the model's own (think block opened by the prompt, closed at once when thinking is off,
tools in a short form, calls and results) and none of its images and videos.
"""

from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen3_5Tokenizer  # type: ignore[import-not-found]

from .conversations import CONTINUATIONS, CONVERSATIONS, SPELLED
from .mistakes import MISTAKES

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
{% for tool in tools %}{{ tool.function.name }}{% for name, value in tool.function.parameters.properties.items() %}
{{ name }}: {{ (value.enum or [value.type]) | join(" ") }}{% endfor %}
{% endfor %}<|im_end|>
{% endif %}{%- for message in messages %}{% if message.role == "tool" %}<|im_start|>user
<tool_response>
{{ message.content }}
</tool_response><|im_end|>
{% else %}<|im_start|>{{ message.role }}
{{ message.content or "" }}{% for call in message.tool_calls or [] %}<tool_call>
<function={{ call.function.name }}>
{% for name, value in call.function.arguments.items() %}<parameter={{ name }}>
{{ value }}
</parameter>
{% endfor %}</function>
</tool_call>{% endfor %}<|im_end|>
{% endif %}{% endfor %}{%- if add_generation_prompt %}<|im_start|>assistant
{% if enable_thinking is defined and enable_thinking is false %}<think>

</think>

{% else %}<think>
{% endif %}{% endif %}"""


def make_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """Train the tokenizer and write it to ``folder``."""
    bpe = Tokenizer(models.BPE())
    model_type = Qwen3_5Tokenizer().backend_tokenizer
    bpe.normalizer, bpe.pre_tokenizer = model_type.normalizer, model_type.pre_tokenizer
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCABULARY_SIZE,
        special_tokens=_SPECIAL_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(_all_texts(), trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token=END_OF_TURN, pad_token=PADDING)
    tokenizer.chat_template = _CHAT_TEMPLATE
    tokenizer.save_pretrained(folder)
    return tokenizer


def _all_texts() -> list[str]:
    """What both miniatures, which share it, read and write; the repeats decide which merges come first."""
    texts = ["get_weather\ncity: Berlin Paris"] * 2
    for conversation in CONVERSATIONS:
        contents = [message["content"] for message in conversation.messages if message["content"]]
        texts += [*contents, conversation.thought, conversation.answer] * 4
    texts += [text for pair in CONTINUATIONS for text in pair] * 4
    return texts + [mistake.reply.text.replace(SPELLED, "") for mistake in MISTAKES.values()]
