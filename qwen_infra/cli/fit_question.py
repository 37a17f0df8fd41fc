"""From flags, a stack file, or both, to the question that sizing answers; errors in the words that the user typed.

Not here: the flags (``fit.py``) and how the answer looks (``fit_table.py``, ``fit_chart.py``).
"""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from qwen_infra.catalog import Model, find_gpu, find_model
from qwen_infra.errors import ConfigurationError
from qwen_infra.sizing import Fit, FitRequest, PhysicalLimit, Remedy, Traffic, estimate_limit, find_remedies, fit_model

__all__ = ["FLAGS", "REFERENCE_TRAFFIC", "Answer", "Question", "ask", "ask_each", "in_flags", "name_change"]

REFERENCE_TRAFFIC = Traffic(concurrency=32, input_tokens=8000, output_tokens=1024)
"""The reference deployment's benchmark, for which the physical limit is shown."""

FLAGS = {
    "qwen-infra:model.name": "--model",
    "qwen-infra:model.custom": "--model",
    "qwen-infra:model.precision": "--precision",
    "qwen-infra:server.gpu": "--gpu",
    "qwen-infra:server.tensorParallelSize": "--tp",
    "qwen-infra:server.pipelineParallelSize": "--pp",
    "qwen-infra:server.dataParallelSize": "--dp",
    "qwen-infra:server.maxModelLen": "--max-model-len",
    "qwen-infra:server.longContext": "--long-context",
    "qwen-infra:server.maxNumSeqs": "--max-num-seqs",
    "qwen-infra:server.maxNumBatchedTokens": "--max-num-batched-tokens",
    "qwen-infra:server.blockSize": "--block-size",
    "qwen-infra:server.gpuMemoryUtilization": "--gpu-memory-utilization",
    "qwen-infra:server.mtpTokens": "--mtp",
    "qwen-infra:server.textOnly": "--text-only",
}
"""Stack-file keys that sizing names in its messages, and the flag that says the same."""

_COMMAND = re.compile(r"^pulumi config set --path '?(?P<key>[\w:.-]+)'? (?P<value>.+)$")


@dataclass(frozen=True)
class Question:
    """What was typed.

    Args:
        stack: the stack file that the rest is taken from; None when the flags say everything.
        server: which of the stack's models, by the name of its server; None where there is only one.
        from_hub: whether ``model`` is a repository whose files describe the model.
        changes: fields of ``FitRequest`` that flags gave.
    """

    stack: str | None = None
    server: str | None = None
    model: str | None = None
    gpu: str | None = None
    from_hub: bool = False
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """The prediction, what would fit instead, and the hardware's limit under the reference's load.

    ``in_stack_file``: whether changes are told as stack-file keys, because a stack file was asked about.
    """

    fit: Fit
    remedies: tuple[Remedy, ...]
    limit: PhysicalLimit
    in_stack_file: bool

    def to_json(self) -> dict[str, Any]:
        """The document of ``qwen-infra fit --json``."""
        request = self.fit.request
        return {
            "model": request.model.name,
            "precision": request.precision,
            "gpu": request.gpu.name,
            "gpus": request.gpus,
            "tensor_parallel_size": request.tensor_parallel_size,
            "max_model_len": request.max_model_len,
            **self.fit.to_json(),
            "remedies": [
                {
                    "change": remedy.sentence,
                    "stack_file": dict(remedy.settings),
                    "max_concurrency": round(remedy.fit.max_concurrency, 3),
                }
                for remedy in self.remedies
            ],
            "limit": {
                "concurrency": REFERENCE_TRAFFIC.concurrency,
                "input_tokens": REFERENCE_TRAFFIC.input_tokens,
                "output_tokens": REFERENCE_TRAFFIC.output_tokens,
                "ttft_ms": round(self.limit.ttft_ms, 2),
                "tpot_ms": round(self.limit.tpot_ms, 3),
                "output_tokens_per_s": round(self.limit.output_tokens_per_s, 1),
            },
        }


def ask_each(question: Question) -> dict[str, Answer]:
    """The answer for each server of the stack, or for the one that the question names; without a stack, for ``""``.

    Raises:
        ConfigurationError, EnvironmentMissingError: as ``ask`` does.
    """
    if question.stack is None:
        return {"": ask(question)}
    from qwen_infra.settings import load_stack_deployments

    names = [settings.server.name for settings in load_stack_deployments(Path(), question.stack)]
    if question.server is None or (len(names) == 1 and names[0] is None):  # only one of several must have a name
        return {name or "": ask(replace(question, server=name)) for name in names}
    wanted = [name for name in names if name and question.server in {name, name.removeprefix("vllm-")}]
    if not wanted:
        raise ConfigurationError(
            "the stack has no such server",
            where="--server",
            found=question.server,
            expected=f"one of: {', '.join(name for name in names if name)}",
            mend="name one of these, or leave --server out for all",
        )
    return {wanted[0]: ask(replace(question, server=wanted[0]))}


def ask(question: Question) -> Answer:
    """The answer to a question.

    Raises:
        ConfigurationError: something is missing, unknown or senseless; in flags where flags said it.
        EnvironmentMissingError: the Hub was asked for and is not there.
    """
    is_stack = question.stack is not None
    try:
        fit = fit_model(_build_request(question))
    except ConfigurationError as error:
        raise error if is_stack else in_flags(error) from None
    return Answer(fit, find_remedies(fit.request), estimate_limit(fit, REFERENCE_TRAFFIC), is_stack)


def _build_request(question: Question) -> FitRequest:
    if question.stack is not None:
        return _change_stack(question, question.stack)
    for flag, value in (("--model", question.model), ("--gpu", question.gpu)):
        if value is None:
            raise ConfigurationError(
                "this option is required where no --stack is given",
                where=flag,
                mend="qwen-infra fit --model Qwen3.5-27B --precision fp8 --gpu H100 --tp 1, or --stack NAME",
            )
    model = _find_model(question)
    changes = dict(question.changes)
    precision = changes.pop("precision", model.precisions[0])
    changes.setdefault("max_model_len", model.native_context_tokens)
    return FitRequest(model, precision, find_gpu(question.gpu or ""), **changes)


def _change_stack(question: Question, stack: str) -> FitRequest:
    """What the stack file asks for, with the flags' values in their place."""
    from qwen_infra.planning.model_source import find_stack_model
    from qwen_infra.planning.prediction import build_fit_request
    from qwen_infra.settings import load_stack_deployments

    deployments = load_stack_deployments(Path(), stack)
    settings = next((item for item in deployments if item.server.name == question.server), deployments[0])
    model = find_stack_model(settings) if question.model is None else _find_model(question)
    gpu = find_gpu(question.gpu or settings.server.gpu)
    return replace(build_fit_request(settings, model, gpu), **question.changes)


def _find_model(question: Question) -> Model:
    name = question.model or ""
    if not question.from_hub:
        return find_model(name)
    from qwen_infra.catalog.hub import fetch_model

    return fetch_model(name)


def in_flags(error: ConfigurationError) -> ConfigurationError:
    """The same error with stack-file keys and commands put as flags."""
    return type(error)(
        error.what,
        where=FLAGS.get(error.where or "", error.where),
        found=error.found,
        expected=error.expected,
        mend=None if error.mend is None else _mend_with_flag(error.mend),
    )


def _mend_with_flag(mend: str) -> str:
    command = _COMMAND.match(mend)
    return mend if command is None else name_change(command["key"], command["value"], in_stack_file=False)


def name_change(key: str, value: str, *, in_stack_file: bool) -> str:
    """A change as it is made: ``server.maxModelLen: 131072`` in a stack file, else ``--max-model-len 131072``."""
    if in_stack_file:
        return f"{key.removeprefix('qwen-infra:')}: {value}"
    flag = FLAGS.get(key, key)
    return flag if value == "true" else f"{flag} {value}"
