"""The miniatures' weights in the user's cache: trained once for each version of their recipe.

The recipe is the folder ``miniature``. It is copied beside the weights and run there by the vLLM environment's Python,
which must not see this program's own packages.
"""

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from qwen_infra.local.folders import default_cache_root
from qwen_infra.local.locks import hold_lock
from qwen_infra.local.steps import Step, run_step
from qwen_infra.local.vllm_environment import ensure_vllm, vllm_python

__all__ = ["ensure_miniature", "ensure_wrong_miniature"]

_RECIPE = Path(__file__).parent / "miniature"
_MODULE = "miniature_qwen35"
_TIMEOUT_S = 1200


def ensure_miniature(report: Callable[[str], None] = lambda _: None) -> Path:
    """The folder of a model that vLLM serves and that knows the verification's conversations.

    Raises:
        EnvironmentMissingError: vLLM's environment cannot be made, or the training failed.
    """
    return _ensure(default_cache_root() / "miniature" / _recipe_hash(), "the miniature Qwen3.5", (), report)


def ensure_wrong_miniature(report: Callable[[str], None] = lambda _: None) -> Path:
    """The folder of a model that makes the mistakes of ``miniature/mistakes.py``, for the proof that they are noticed.

    Raises:
        EnvironmentMissingError: as for the right one, from which it starts.
    """
    right = ensure_miniature(report)
    folder = default_cache_root() / "miniature" / f"{_recipe_hash()}-wrong"
    return _ensure(folder, "the miniature that makes mistakes", (str(right),), report)


def _ensure(folder: Path, title: str, arguments: tuple[str, ...], report: Callable[[str], None]) -> Path:
    if folder.exists():
        return folder / "model"
    python = vllm_python(ensure_vllm(report))
    with hold_lock(folder.with_suffix(".lock"), purpose=f"training {title}", timeout_s=_TIMEOUT_S):
        if not folder.exists():
            _train(folder, title, (str(python), "-m", _MODULE), arguments, report)
    return folder / "model"


def recipe_files() -> list[Path]:
    """The recipe's sources in a fixed order."""
    return sorted(_RECIPE.glob("*.py"))


def _recipe_hash() -> str:
    digest = hashlib.sha256()
    for path in recipe_files():
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _train(
    folder: Path,
    title: str,
    program: tuple[str, ...],
    arguments: tuple[str, ...],
    report: Callable[[str], None],
) -> None:
    """Into a draft folder that becomes ``folder`` in one rename."""
    draft = folder.with_suffix(".draft")
    shutil.rmtree(draft, ignore_errors=True)
    recipe = draft / "recipe" / _MODULE
    recipe.mkdir(parents=True)
    for path in recipe_files():
        shutil.copy(path, recipe)
    step = Step(
        f"training {title}, once: less than a minute on two idle cores",
        (*program, str(draft / "model"), *arguments),
        _TIMEOUT_S,
        {
            "PYTHONPATH": str(recipe.parent),
            "HF_HUB_OFFLINE": "1",
            # threads that wait by spinning starve each other when the machine has other work
            "OMP_WAIT_POLICY": "PASSIVE",
            "OMP_NUM_THREADS": str(min(os.cpu_count() or 1, 8)),
        },
    )
    log = folder.with_suffix(".log")
    log.unlink(missing_ok=True)
    run_step(step, log=log, report=report, mend="repeat the command, or use SERVER=simulator")
    draft.rename(folder)
    log.unlink(missing_ok=True)
