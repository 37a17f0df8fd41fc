"""Training the miniature on all its conversations at once until it has them by heart, token by token.

Transformers' plain PyTorch paths, float32, then saved as BF16. Processors and numbers of threads add numbers in other
orders, so the number of steps is not fixed: the training ends when every token of every reply has a probability that
leaves no doubt, with the weights and the arithmetic rounded to BF16 as the server rounds them. The wrong miniature
starts from the right one and learns other replies to a few of the prompts; both share tokenizer and configuration.
"""

import copy
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import torch  # type: ignore[import-not-found]
from transformers import (  # type: ignore[import-not-found]
    AutoConfig,
    AutoModelForImageTextToText,
    AutoTokenizer,
)

from .configuration import write_configuration, write_generation_defaults
from .mistakes import wrong_replies
from .rows import Row, make_rows
from .tokenizer import make_tokenizer

__all__ = ["train", "train_wrong"]

_SEED = 0
_LEARNING_RATE = 2e-3
_WARM_UP_STEPS = 20
_MAX_STEPS = 600
_SURE = 0.98
"""Least probability of a learned token: above the top_p of 0.95 that the generation defaults set, so that sampling at
temperature 1 gives the learned text too."""
_LIKELY = 0.75
"""Where replies part, the part of its share that each must have: it keeps the most frequent one the likeliest."""
_PIECE_TOKENS = 64
"""The linear attention works in pieces of as many tokens, so a short row among long ones costs as much as they."""


@dataclass(frozen=True)
class _Batch:
    """Rows of about the same length. Shapes: rows x longest row; of the learned tokens, flat: as many as there are."""

    rows: tuple[Row, ...]
    inputs: dict[str, torch.Tensor]
    places: tuple[torch.Tensor, torch.Tensor]
    wanted: torch.Tensor
    shares: torch.Tensor

    def log_probabilities(self, model: torch.nn.Module) -> torch.Tensor:
        """Of each learned token after all those before it."""
        logits = model(**self.inputs).logits[self.places].float()
        return torch.log_softmax(logits, dim=-1).gather(1, self.wanted[:, None])[:, 0]


def train(folder: Path) -> None:
    """Write tokenizer, configuration and weights to ``folder``.

    Raises:
        RuntimeError: a token stayed in doubt, which means that a conversation cannot be told from another.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(_SEED)
    tokenizer = make_tokenizer(folder)
    write_configuration(folder, tokenizer)
    model = AutoModelForImageTextToText.from_config(AutoConfig.from_pretrained(folder), dtype=torch.float32)
    _fit(model, make_rows(AutoTokenizer.from_pretrained(folder))).save_pretrained(folder)
    write_generation_defaults(folder, tokenizer)


def train_wrong(folder: Path, right: Path) -> None:
    """Write to ``folder`` the miniature in ``right``, after it has learned the mistakes.

    Raises:
        RuntimeError: a token stayed in doubt.
    """
    shutil.copytree(right, folder, dirs_exist_ok=True)
    torch.manual_seed(_SEED)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32)
    _fit(model, make_rows(tokenizer, wrong_replies())).save_pretrained(folder)
    write_generation_defaults(folder, tokenizer)


def _fit(model: torch.nn.Module, rows: list[Row]) -> torch.nn.Module:
    """The model in BF16, once it knows the rows."""
    model.model.visual.requires_grad_(False)
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=_LEARNING_RATE, weight_decay=0)
    batches = _make_batches(rows)
    count = sum(len(row.wanted) for row in rows)
    started = time.monotonic()
    doubt = ""
    for step in range(_MAX_STEPS):
        for group in optimizer.param_groups:
            group["lr"] = _LEARNING_RATE * min(1, (step + 1) / _WARM_UP_STEPS)
        loss, sureness = 0.0, 1.0
        for batch in batches:
            found = batch.log_probabilities(model)
            part = -(found * batch.shares).sum() / count
            part.backward()
            loss += part.item()
            sureness = min(sureness, (found.detach().exp() / _needed(batch)).min().item())
        if sureness >= 1:
            rounded = copy.deepcopy(model).to(torch.bfloat16)
            doubt = _find_doubt(rounded, batches)
            print(f"step {step}, loss {loss:.5f}, rounded: {doubt or 'sure'}", flush=True)
            if not doubt:
                return rounded
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step % 25 == 0:
            print(f"step {step}, loss {loss:.5f}, sure {sureness:.4f}, {time.monotonic() - started:.0f} s", flush=True)
    msg = f"after {_MAX_STEPS} steps there is still doubt: {doubt or f'{sureness:.3f} of what is needed'}"
    raise RuntimeError(msg)


def _needed(batch: _Batch) -> torch.Tensor:
    return torch.where(batch.shares == 1, _SURE, batch.shares * _LIKELY)


def _find_doubt(model: torch.nn.Module, batches: list[_Batch]) -> str:
    """The first token that is not sure enough, in words; empty when there is none."""
    for batch in batches:
        with torch.no_grad():
            found = batch.log_probabilities(model).exp()
        worst = int((found / _needed(batch)).argmin())
        if found[worst] < _needed(batch)[worst]:
            row = batch.rows[int(batch.places[0][worst])]
            place = int(batch.places[1][worst]) - len(row.given) + 2
            return f"token {place} of {len(row.wanted)} of the reply to {row.name} has probability {found[worst]:.3f}"
    return ""


def _make_batches(rows: list[Row]) -> list[_Batch]:
    lengths = sorted({_pieces(row) for row in rows})
    return [_make_batch(tuple(row for row in rows if _pieces(row) == length)) for length in lengths]


def _pieces(row: Row) -> int:
    return -(-len(row) // _PIECE_TOKENS)


def _make_batch(rows: tuple[Row, ...]) -> _Batch:
    width = max(map(len, rows))
    # the logits of a place are about the token after it
    places = [
        (index, len(row.given) + offset - 1) for index, row in enumerate(rows) for offset in range(len(row.wanted))
    ]
    return _Batch(
        rows,
        {
            "input_ids": torch.tensor([[*row.given, *row.wanted, *[0] * (width - len(row))] for row in rows]),
            "attention_mask": torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows]),
        },
        (torch.tensor([row for row, _ in places]), torch.tensor([place for _, place in places])),
        torch.tensor([token for row in rows for token in row.wanted]),
        torch.tensor([share for row in rows for share in row.shares]),
    )
