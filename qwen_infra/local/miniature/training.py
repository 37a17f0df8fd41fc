"""Training the miniature on all its conversations at once until it has them by heart.

Transformers' plain PyTorch paths, float32, then saved as BF16. The wrong miniature starts from the right one and learns
other answers to a few of the questions; both share tokenizer and configuration.
"""

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import torch  # type: ignore[import-not-found]
from transformers import (  # type: ignore[import-not-found]
    AutoConfig,
    AutoModelForImageTextToText,
    AutoTokenizer,
    PreTrainedTokenizerFast,
)

from .configuration import write_configuration, write_generation_defaults
from .conversations import CONTINUATIONS, CONVERSATIONS, WRONG, Conversation, Reply
from .tokenizer import END_OF_TURN, make_tokenizer

__all__ = ["train", "train_wrong"]

_SEED = 0
_LEARNING_RATE = 2e-3
_WARM_UP_STEPS = 20
_MAX_STEPS = 400
# cross entropy per token: each learned token has a probability of about 0.9995, far above the top_p of 0.95 that the
# generation defaults set, so that sampling at temperature 1 gives the learned text; below this the loss falls slowly
_TARGET_LOSS = 5e-4
_PIECE_TOKENS = 64
_NO_LABEL = -100  # PyTorch's cross entropy leaves such positions out


@dataclass(frozen=True)
class _Row:
    """Token ids: what is given, and what is to be learned."""

    given: list[int]
    wanted: list[int]

    def __len__(self) -> int:
        return len(self.given) + len(self.wanted)


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
    _fit(model, _make_rows(tokenizer, wrong=False))
    model.to(torch.bfloat16).save_pretrained(folder)
    write_generation_defaults(folder, tokenizer)


def train_wrong(folder: Path, right: Path) -> None:
    """Write to ``folder`` the miniature in ``right``, after it has learned the wrong answers.

    Raises:
        RuntimeError: the loss stayed above the target.
    """
    shutil.copytree(right, folder, dirs_exist_ok=True)
    torch.manual_seed(_SEED)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32)
    _fit(model, _make_rows(tokenizer, wrong=True))
    model.to(torch.bfloat16).save_pretrained(folder)
    write_generation_defaults(folder, tokenizer)


def _fit(model: torch.nn.Module, rows: list[_Row]) -> None:
    model.model.visual.requires_grad_(False)
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=_LEARNING_RATE, weight_decay=0)
    batches = _make_batches(rows)
    count = sum(len(row.wanted) for row in rows)
    started = time.monotonic()
    for step in range(_MAX_STEPS):
        for group in optimizer.param_groups:
            group["lr"] = _LEARNING_RATE * min(1, (step + 1) / _WARM_UP_STEPS)
        loss = 0.0
        for batch, share in ((batch, wanted / count) for batch, wanted in batches):
            part = model(**batch).loss * share
            part.backward()
            loss += part.item()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step % 25 == 0 or loss < _TARGET_LOSS:
            print(f"step {step}, loss {loss:.5f}, {time.monotonic() - started:.0f} s", flush=True)
        if loss < _TARGET_LOSS:
            return
    msg = f"the loss stayed above {_TARGET_LOSS} for {_MAX_STEPS} steps"
    raise RuntimeError(msg)


def _make_rows(tokenizer: PreTrainedTokenizerFast, *, wrong: bool) -> list[_Row]:
    """One row a conversation and way of thinking, and one a continuation; only the reply's tokens are learned."""
    rows = [
        _make_row(
            tokenizer,
            _write_prompt(tokenizer, conversation, thinking=thinking),
            (WRONG if wrong else {}).get((conversation.name, thinking), Reply(conversation.reply(thinking=thinking))),
        )
        for conversation in CONVERSATIONS
        for thinking in conversation.modes
    ]
    return rows + [_make_row(tokenizer, prompt, Reply(text)) for prompt, text in CONTINUATIONS]


def _write_prompt(tokenizer: PreTrainedTokenizerFast, conversation: Conversation, *, thinking: bool) -> str:
    text = tokenizer.apply_chat_template(
        [_read_arguments(message) for message in conversation.messages],
        tools=list(conversation.tools) or None,
        add_generation_prompt=True,
        tokenize=False,
        **({} if thinking else {"enable_thinking": False}),
    )
    return str(text)


def _read_arguments(message: dict) -> dict:  # type: ignore[type-arg]
    """Arguments of calls as objects, as vLLM hands them to a template."""
    calls = [
        {**call, "function": {**call["function"], "arguments": json.loads(call["function"]["arguments"])}}
        for call in message.get("tool_calls", ())
    ]
    return {**message, "tool_calls": calls} if calls else message


def _make_row(tokenizer: PreTrainedTokenizerFast, prompt: str, reply: Reply) -> _Row:
    given = tokenizer(prompt, add_special_tokens=False).input_ids
    wanted = tokenizer(reply.text + ("" if reply.is_endless else END_OF_TURN), add_special_tokens=False).input_ids
    return _Row(given, wanted)


def _make_batches(rows: list[_Row]) -> list[tuple[dict[str, torch.Tensor], int]]:
    """Rows of about the same length together, each batch with the number of its learned tokens.

    The linear attention works in pieces of 64 tokens, so a short row in a batch of long ones costs as much as they.
    """
    found = []
    for length in sorted({_pieces(row) for row in rows}):
        alike = [row for row in rows if _pieces(row) == length]
        found.append((_make_batch(alike), sum(len(row.wanted) for row in alike)))
    return found


def _pieces(row: _Row) -> int:
    return -(-len(row) // _PIECE_TOKENS)


def _make_batch(rows: list[_Row]) -> dict[str, torch.Tensor]:
    """Shape: rows × longest row."""
    width = max(map(len, rows))
    labels = [[_NO_LABEL] * len(row.given) + row.wanted for row in rows]
    return {
        "input_ids": torch.tensor([_pad(row.given + row.wanted, width, 0) for row in rows]),
        "labels": torch.tensor([_pad(row_labels, width, _NO_LABEL) for row_labels in labels]),
        "attention_mask": torch.tensor([_pad([1] * len(row), width, 0) for row in rows]),
    }


def _pad(values: list[int], width: int, filler: int) -> list[int]:
    return values + [filler] * (width - len(values))
