"""``python -m release.notes v0.2.0``: what CHANGELOG.md says of a version, and refuse a tag that does not match."""

import re
import sys
from pathlib import Path

from qwen_infra import __version__
from qwen_infra.errors import ConfigurationError, QwenInfraError

__all__ = ["cut_notes"]


def cut_notes(changelog: str, tag: str, version: str) -> str:
    """The changelog's section of the version that the tag names.

    Raises:
        ConfigurationError: the tag is not the program's version, or the changelog has no section of it.
    """
    if tag != f"v{version}":
        raise ConfigurationError(
            "the tag is not the program's version",
            where="qwen_infra/__init__.py",
            found=f"__version__ {version}, tag {tag}",
            expected=f"tag v{version}",
            mend="set __version__, commit, and move the tag",
        )
    section = re.search(rf"^## \[?{re.escape(version)}\]?.*?\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if section is None or not section[1].strip():
        raise ConfigurationError(
            "the changelog has no section of this version",
            where="CHANGELOG.md",
            expected=f"## {version} - DATE",
            mend="rename Unreleased, and begin a new one above it",
        )
    return section[1].strip() + "\n"


if __name__ == "__main__":
    try:
        print(cut_notes(Path("CHANGELOG.md").read_text("utf-8"), sys.argv[1], __version__), end="")
    except QwenInfraError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
