"""Training the miniature on all its conversations at once until it has them by heart.

Two cores take about half a minute: transformers' plain PyTorch paths, float32, then saved as BF16.
"""

import time
from pathlib import Path

import torch  # type: ignore[import-not-found]
from transformers import AutoConfig, AutoModelForImageTextToText, PreTrainedTokenizerFast  # type: ignore[import-not-found]

from .configuration import write_configuration, write_generation_defaults
from .conversations import CONVERSATIONS, Conversation
from .tokenizer import END_OF_TURN, make_tokenizer

__all__ = ["train"]

_SEED = 0
_LEARNING_RATE = 2e-3
_WARM_UP_STEPS = 20
_MAX_STEPS = 400
# cross entropy per token: each learned token has a probability of about 0.9995, far above the top_p of 0.95 that the
# generation defaults set, so that sampling at temperature 1 gives the learned text; below this the loss falls slowly
_TARGET_LOSS = 5e-4
_NO_LABEL = -100  # PyTorch's cross entropy leaves such positions out


def train(folder: Path) -> None:
    """Write tokenizer, configuration and weights to ``folder``.

    Raises:
        RuntimeError: the loss stayed above the target, which means that a conversation cannot be told from another.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(_SEED)
    tokenizer = make_tokenizer(folder)
    write_configuration(folder, tokenizer)
    model = AutoModelForImageTextToText.from_config(AutoConfig.from_pretrained(folder), dtype=torch.float32)
    model.model.visual.requires_grad_(False)
    _fit(model, _make_batch(tokenizer))
    model.to(torch.bfloat16).save_pretrained(folder)
    write_generation_defaults(folder, tokenizer)


def _fit(model: torch.nn.Module, batch: dict[str, torch.Tensor]) -> None:
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=_LEARNING_RATE, weight_decay=0)
    started = time.monotonic()
    for step in range(_MAX_STEPS):
        for group in optimizer.param_groups:
            group["lr"] = _LEARNING_RATE * min(1, (step + 1) / _WARM_UP_STEPS)
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step % 25 == 0 or loss.item() < _TARGET_LOSS:
            print(f"step {step}, loss {loss.item():.5f}, {time.monotonic() - started:.0f} s", flush=True)
        if loss.item() < _TARGET_LOSS:
            return
    msg = f"the loss stayed above {_TARGET_LOSS} for {_MAX_STEPS} steps"
    raise RuntimeError(msg)


def _make_batch(tokenizer: PreTrainedTokenizerFast) -> dict[str, torch.Tensor]:
    """One row a conversation and thinking mode; only the reply's tokens are learned. Shape: rows × longest row."""
    rows = [
        _make_row(tokenizer, conversation, thinking=thinking)
        for conversation in CONVERSATIONS
        for thinking in (True, False)
    ]
    width = max(len(tokens) for tokens, _ in rows)
    return {
        "input_ids": torch.tensor([_pad(tokens, width, 0) for tokens, _ in rows]),
        "labels": torch.tensor([_pad(labels, width, _NO_LABEL) for _, labels in rows]),
        "attention_mask": torch.tensor([_pad([1] * len(tokens), width, 0) for tokens, _ in rows]),
    }


def _make_row(
    tokenizer: PreTrainedTokenizerFast, conversation: Conversation, *, thinking: bool
) -> tuple[list[int], list[int]]:
    prompt = tokenizer.apply_chat_template(
        list(conversation.messages),
        tools=list(conversation.tools) or None,
        add_generation_prompt=True,
        tokenize=False,
        **({} if thinking else {"enable_thinking": False}),
    )
    reply = (f"{conversation.thought}\n</think>\n\n" if thinking else "") + conversation.answer + END_OF_TURN
    given = tokenizer(prompt, add_special_tokens=False).input_ids
    wanted = tokenizer(reply, add_special_tokens=False).input_ids
    return given + wanted, [_NO_LABEL] * len(given) + wanted


def _pad(values: list[int], width: int, filler: int) -> list[int]:
    return values + [filler] * (width - len(values))
