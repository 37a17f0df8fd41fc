"""What a person types to name something on the Hub, refused at once where the Hub could never have it.

Sources: ``huggingface_hub`` (a repository is ``OWNER/NAME`` of letters, digits, ``-``, ``_`` and ``.``) and
git-check-ref-format (what no branch or tag is called).
"""

import os
import re

from qwen_infra.catalog import nearest_repository
from qwen_infra.errors import ConfigurationError

__all__ = ["check_hub_address", "check_repository", "check_revision"]

_REPOSITORY = re.compile(r"\w[\w.-]*/\w[\w.-]*", re.ASCII)
_NO_REVISION = re.compile(r"[\s~^:?*\[\\\x00-\x1f\x7f]|\.\.|^$|^[-/]|[/.]$")


def check_repository(text: str) -> None:
    """Refuse what is not OWNER/NAME.

    Raises:
        ConfigurationError: names the nearest repository of the catalogue.
    """
    if _REPOSITORY.fullmatch(text):
        return
    nearest = nearest_repository(text)
    raise ConfigurationError(
        "this is no repository of the Hub",
        where="OWNER/NAME",
        found=text or "nothing",
        expected=f"a name such as {nearest}",
        mend=f"qwen-infra download {nearest} --to {nearest.split('/')[1]}",
    )


def check_revision(text: str) -> None:
    """Refuse what is called so by no commit, branch or tag.

    Raises:
        ConfigurationError: it is.
    """
    if _NO_REVISION.search(text):
        raise ConfigurationError(
            "this names no revision",
            where="--revision",
            found=text or "nothing",
            expected="a commit, a branch or a tag",
            mend="leave --revision out for the branch main",
        )


def check_hub_address() -> None:
    """Refuse an ``HF_ENDPOINT`` that is no address.

    Raises:
        ConfigurationError: it is not.
    """
    given = os.environ.get("HF_ENDPOINT")
    if given and not re.match(r"https?://[^/\s]", given):
        raise ConfigurationError(
            "this is no address of a Hub",
            where="HF_ENDPOINT",
            found=given,
            expected="https://huggingface.co, or that of a mirror",
            mend=f"export HF_ENDPOINT=https://{given.rpartition('://')[2].strip()}",
        )
