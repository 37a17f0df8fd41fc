"""Examples in help: written as the end of a docstring, shown below the options as lines to copy.

A docstring ends with ``Example: qwen-infra …``, or with ``Examples:`` and one command a line. A line that does not
begin with ``qwen-infra`` goes on with the command before; the backslash that a shell needs there is added.
"""

import inspect
import re
from typing import Any

__all__ = ["arrange_help", "split_examples"]

_START = re.compile(r"^Examples?:\s*", re.MULTILINE)
_NOT_REWRAPPED = "\b\n"
"""click's mark of a paragraph whose lines stay as they are."""


def split_examples(docstring: str) -> tuple[str, list[str]]:
    """A docstring as its text and its examples, each as lines for a shell."""
    text = inspect.cleandoc(docstring)
    start = _START.search(text)
    if start is None:
        return text, []
    examples: list[str] = []
    for line in map(str.strip, text[start.end() :].splitlines()):
        if examples and not line.startswith("qwen-infra"):
            examples[-1] += f" \\\n  {line}"
        else:
            examples.append(line)
    return text[: start.start()].rstrip(), examples


def arrange_help(command: Any) -> None:
    """Move the examples of a command from its text to the end of its help."""
    text, examples = split_examples(command.help or "")
    command.help = text
    command.examples = examples
    if examples:
        lines = [f"  {line}" for example in examples for line in example.splitlines()]
        heading = "Example:" if len(examples) == 1 else "Examples:"
        command.epilog = "\n".join([_NOT_REWRAPPED + heading, *lines])
