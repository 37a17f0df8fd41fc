"""Calling code that needs vLLM: in vLLM's own environment, in a process of its own, JSON in and JSON out."""

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
NEEDED = ("PATH", "HOME", "LANG", "TMPDIR", "XDG_CACHE_HOME")


@dataclass(frozen=True)
class VllmInterpreter:
    """The Python that has the real vLLM, and the ``vllm`` program beside it."""

    python: Path

    @property
    def program(self) -> Path:
        return self.python.with_name("vllm")

    def environment(self, **more: str) -> dict[str, str]:
        """What a process in vLLM's environment needs: nothing of ours, no network, no GPU."""
        kept = {name: os.environ[name] for name in NEEDED if name in os.environ}
        fixed = {
            "PYTHONPATH": str(ROOT),
            "HF_HUB_OFFLINE": "1",
            "VLLM_NO_USAGE_STATS": "1",
            "VLLM_LOGGING_LEVEL": "ERROR",
            "CUDA_VISIBLE_DEVICES": "",
        }
        return kept | fixed | more

    def call(self, module: str, request: Any, *, timeout_s: float = 600) -> Any:
        """The answer of ``tests.contract.inside_vllm.<module>`` to one request; both are JSON values.

        The module hands its function to ``exchange.answer_once``. Several questions belong into one request: importing
        vLLM takes seconds.

        Raises:
            AssertionError: the process failed; with the end of what it printed.
        """
        with tempfile.TemporaryDirectory() as folder:
            asked, answered = Path(folder) / "request.json", Path(folder) / "answer.json"
            asked.write_text(json.dumps(request), "utf-8")
            finished = subprocess.run(
                [str(self.python), "-m", f"tests.contract.inside_vllm.{module}", str(asked), str(answered)],
                cwd=folder,
                env=self.environment(),
                capture_output=True,
                text=True,
                timeout=timeout_s,
                check=False,
            )
            if finished.returncode != 0:
                told = (finished.stdout + finished.stderr)[-4000:]
                message = f"{module} in vLLM's environment ended with {finished.returncode}:\n{told}"
                raise AssertionError(message)
            return json.loads(answered.read_text("utf-8"))
