"""Which tags are moved by whoever publishes the image; the one rule of plans and of policies.

A module at the bottom of its own, since the policy pack's environment has none of the program's libraries.
"""

import re

__all__ = ["has_moving_tag"]

_MOVING = re.compile(r"(.*[-_.])?(latest|nightly)([-_.].*)?|(main|master|edge|dev)([-_.].*)?")


def has_moving_tag(image: str) -> bool:
    """Whether the image goes by no digest and by a tag such as ``latest``, ``cu130-nightly``, ``main``, or none."""
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]  # after the last slash: a registry's port is no tag
    return not digest and (not tag or _MOVING.fullmatch(tag) is not None)
