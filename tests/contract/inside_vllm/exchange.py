"""How a module in this folder is asked: a JSON file with the request, a JSON file for the answer.

Everything in this folder runs in vLLM's environment, which has none of our packages: import vLLM and the standard
library only. Files and not pipes, because vLLM prints.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["answer_once"]


def answer_once(answer: Callable[[Any], Any]) -> None:
    """Read the request named on the command line, write what ``answer`` makes of it."""
    asked, answered = (Path(name) for name in sys.argv[1:3])
    result = answer(json.loads(asked.read_text("utf-8")))
    answered.write_text(json.dumps(result), "utf-8")
