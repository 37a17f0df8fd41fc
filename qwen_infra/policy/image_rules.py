"""Rules about what runs: images, the model's revision, its licence."""

import re
from collections.abc import Iterator

from qwen_infra.catalog import models
from qwen_infra.moving_tags import has_moving_tag
from qwen_infra.policy.rule import Context, Manifest, Violation
from qwen_infra.policy.workloads import find_pods, find_server_pods

__all__ = ["check_digest", "check_licence", "check_revision", "check_tag"]

_PINNED = re.compile(r"@sha256:[0-9a-f]{64}$")
_COMMIT = re.compile(r"[0-9a-f]{40}")
REVISION = "qwen-infra.dev/model-revision"


def check_tag(manifest: Manifest, _context: Context) -> Iterator[Violation]:
    """No tag that somebody else moves: ``latest``, ``nightly``, ``main``, or none at all."""
    for place, image in _images(manifest):
        if has_moving_tag(image):
            yield Violation(place, f"image {image} has a tag that moves", "name a version, better a digest")


def check_digest(manifest: Manifest, _context: Context) -> Iterator[Violation]:
    """Every image is named by its content."""
    for place, image in _images(manifest):
        if not _PINNED.search(image):
            yield Violation(place, f"image {image} has no digest", f"qwen-infra image pin {image}")


def check_revision(manifest: Manifest, _context: Context) -> Iterator[Violation]:
    """The weights are of one commit."""
    for pod in find_server_pods(manifest):
        revision = str(pod.annotations.get(REVISION, ""))
        if not _COMMIT.fullmatch(revision):
            what = f"the model's revision is {revision or 'not told'}, not a commit"
            yield Violation(pod.place, what, "set qwen-infra:model.revision to a commit of 40 digits")


def check_licence(manifest: Manifest, context: Context) -> Iterator[Violation]:
    """The model's licence is one of those allowed; models that the catalogue does not know are not judged."""
    known = {item.repository.rpartition("/")[2]: model.licence for model in models() for item in model.checkpoints}
    for pod in find_server_pods(manifest):
        licence = known.get(pod.model_path.rpartition("/")[2])
        if licence is not None and licence not in context.allowed_licences:
            what = f"the licence {licence} of {pod.model_path} is not among {', '.join(context.allowed_licences)}"
            yield Violation(pod.place, what, "choose another model, or add it to qwen-infra:policy.allowedLicences")


def _images(manifest: Manifest) -> Iterator[tuple[str, str]]:
    seen = set()
    for place, spec in find_pods(manifest):
        for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
            image = str(container.get("image", ""))
            if (place, image) not in seen:
                seen.add((place, image))
                yield place, image
