"""The demo that runs in the working folder, for commands that were told no stack.

``source .demo/env`` does the same for a whole shell. A stack that was named is never taken for the demo's: its cluster
is the one that kubectl would choose.
"""

import os
import shlex
from pathlib import Path

__all__ = ["enter_demo"]

_ENV = Path(".demo") / "env"
_STACK = "gb200"


def enter_demo(folder: Path) -> str | None:
    """Take over the variables of the demo in ``folder`` and return its stack; None where no demo runs."""
    file = folder / _ENV
    if not file.is_file():
        return None
    from qwen_infra.cli.output import say

    for line in file.read_text("utf-8").splitlines():
        name, separator, value = line.removeprefix("export ").partition("=")
        if line.startswith("export ") and separator and "$" not in value:
            os.environ[name] = shlex.split(value)[0]
    say(f"stack {_STACK} of the demo in this folder")
    return _STACK
