"""Reads the catalogue's data files once and finds a model or a GPU by any of the names that people use for it.

Not here: the types (``models.py``, ``gpus.py``) and models that are not in the data (``custom.py``).
"""

import difflib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from qwen_infra.catalog.gpus import Gpu
from qwen_infra.catalog.models import Model
from qwen_infra.errors import ConfigurationError

__all__ = ["UnknownGpuError", "UnknownModelError", "find_gpu", "find_model", "gpus", "models", "nearest_repository"]

_DATA = Path(__file__).parent / "data"


class UnknownModelError(ConfigurationError):
    """No model of the catalogue has that name."""


class UnknownGpuError(ConfigurationError):
    """No GPU of the catalogue has that name or node label."""


@cache
def models() -> tuple[Model, ...]:
    """Every model of the catalogue, smallest first within a family; base variants last in theirs."""
    entries: list[Any] = []
    for path in sorted((_DATA / "models").glob("*.json"), reverse=True):
        entries += _read_models(json.loads(path.read_text(encoding="utf-8")))
    return tuple(TypeAdapter(list[Model]).validate_python(entries))


@cache
def gpus() -> tuple[Gpu, ...]:
    """Every GPU of the catalogue, in the order of the data file."""
    document = json.loads((_DATA / "gpus.json").read_text(encoding="utf-8"))
    entries = [_resolve_sources(entry, document["sources"]) for entry in document["gpus"]]
    return tuple(TypeAdapter(list[Gpu]).validate_python(entries))


def find_model(name: str) -> Model:
    """The model called ``name``: catalogue name, repository, or a checkpoint's repository; case does not matter.

    Raises:
        UnknownModelError: none is called so; names the nearest.
    """
    found = _model_index().get(_fold(name))
    if found is None:
        nearest = _nearest(name, [model.name for model in models()])
        raise UnknownModelError(
            f"no model is called {name!r}",
            where="qwen-infra:model.name",
            found=name,
            expected=" or ".join(nearest),
            mend=f"pulumi config set --path qwen-infra:model.name {nearest[0]}",
        )
    return found


def find_gpu(name: str) -> Gpu:
    """The GPU called ``name``: catalogue name (``GB200``) or node label value (``NVIDIA-GB200``).

    Raises:
        UnknownGpuError: none is called so; names the nearest.
    """
    found = _gpu_index().get(_fold(name))
    if found is None:
        nearest = _nearest(name, [gpu.name for gpu in gpus()])
        raise UnknownGpuError(
            f"no GPU is called {name!r}",
            where="qwen-infra:server.gpu",
            found=name,
            expected=" or ".join(nearest),
            mend=f"pulumi config set --path qwen-infra:server.gpu {nearest[0]}",
        )
    return found


def _read_models(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Entries of one family, with ``defaults`` filled in and ``like`` (a base variant's sibling) resolved."""
    resolved: dict[str, dict[str, Any]] = {}
    for entry in document["models"]:
        sibling = resolved.get(entry.get("like", ""), document["defaults"])
        own = {key: value for key, value in entry.items() if key != "like"}
        architecture = sibling.get("architecture", {}) | own.pop("architecture", {})
        merged = sibling | own | {"architecture": architecture}
        resolved[merged["name"]] = merged
    return [_resolve_sources(entry, document["sources"]) for entry in resolved.values()]


def _resolve_sources(value: Any, sources: dict[str, Any]) -> Any:
    """Replaces each source's short name by the source itself, wherever a ``source`` or ``sources`` key stands."""
    if isinstance(value, list):
        return [_resolve_sources(item, sources) for item in value]
    if not isinstance(value, dict):
        return value
    resolved = {}
    for key, item in value.items():
        if key == "source":
            resolved[key] = sources[item]
        elif key == "sources":
            resolved[key] = {figure: sources[name] for figure, name in item.items()}
        else:
            resolved[key] = _resolve_sources(item, sources)
    return resolved


def nearest_repository(text: str) -> str:
    """The repository of the catalogue whose name is nearest to ``text``: a name without its owner, or a page's URL."""
    by_name = {each.repository.split("/")[-1]: each.repository for model in models() for each in model.checkpoints}
    return by_name[_nearest(text.rstrip("/"), by_name)[0]]


@cache
def _model_index() -> dict[str, Model]:
    index = {}
    for model in models():
        repositories = [checkpoint.repository for checkpoint in model.checkpoints]
        for name in (model.name, *repositories, *(repository.split("/")[-1] for repository in repositories)):
            index[_fold(name)] = model
    return index


@cache
def _gpu_index() -> dict[str, Gpu]:
    return {_fold(name): gpu for gpu in gpus() for name in (gpu.name, *gpu.product_labels, *gpu.aliases)}


def _fold(name: str) -> str:
    return name.strip().casefold().replace("_", "-").replace(" ", "-")


def _nearest(name: str, known: Iterable[str]) -> list[str]:
    """The three known names nearest to ``name``; never empty, so that the message always has an example."""
    by_fold = {_fold(candidate): candidate for candidate in known}
    close = difflib.get_close_matches(_fold(name).split("/")[-1], by_fold, n=3, cutoff=0.0)
    return [by_fold[candidate] for candidate in close]
