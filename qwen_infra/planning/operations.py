"""What ``operations`` demands of a deployment before it is planned: things pinned, things proven."""

import re

from qwen_infra.errors import ConfigurationError
from qwen_infra.settings import StackSettings

__all__ = ["check_operations", "is_commit", "is_digest", "is_placeholder"]

_COMMIT = re.compile(r"[0-9a-f]{40}")
"""A Git commit on the Hub."""
_DIGEST = re.compile(r".+@sha256:[0-9a-f]{64}")
"""An image reference by content (OCI image specification, "digests")."""


def is_commit(revision: str) -> bool:
    """Whether a revision names one commit for ever, as a branch or a tag does not."""
    return _COMMIT.fullmatch(revision) is not None


def is_digest(image: str) -> bool:
    """Whether an image reference names one image for ever, as a tag does not."""
    return _DIGEST.fullmatch(image) is not None


def is_placeholder(pinned: str) -> bool:
    """Whether a commit or a digest is all zeros: of the right form, and the name of nothing."""
    return set(pinned.rpartition(":")[2]) == {"0"}


def check_operations(settings: StackSettings) -> None:
    """Refuse what the stack's environment does not allow.

    Raises:
        ConfigurationError: a revision or an image that may change by itself, or no verification.
    """
    why = f" in environment {settings.environment}" if settings.environment else ""
    if settings.operations.require_pinned and not is_commit(settings.model.revision):
        raise ConfigurationError(
            f"the revision must be a commit{why} (operations.requirePinned), since branches and tags move",
            where="qwen-infra:model.revision",
            found=settings.model.revision,
            expected="40 hexadecimal digits",
            mend="pulumi config set --path 'qwen-infra:model.revision' <commit>",
        )
    if settings.operations.require_pinned and not is_digest(settings.server.image):
        raise ConfigurationError(
            f"the image must be named by its digest{why} (operations.requirePinned), since tags move",
            where="qwen-infra:server.image",
            found=settings.server.image,
            expected="IMAGE@sha256:…",
            mend=f"qwen-infra image pin {settings.server.image}",
        )
    if settings.operations.require_verification and settings.verification.level == "off":
        raise ConfigurationError(
            f"the verification may not be off{why} (operations.requireVerification)",
            where="qwen-infra:verification.level",
            found="off",
            mend="pulumi config rm --path 'qwen-infra:verification.level'",
        )
