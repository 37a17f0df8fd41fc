"""Which model a stack file means: an entry of the catalogue, its own description, or the Hub's files.

The last is the only case in which planning reads the network: ``config.json`` and the headers of the weight files.
"""

import os

from qwen_infra.catalog import Checkpoint, Model, find_model
from qwen_infra.settings import StackSettings

__all__ = ["find_stack_checkpoint", "find_stack_model"]


def find_stack_model(settings: StackSettings) -> Model:
    """The model of a stack.

    Raises:
        ConfigurationError: an unknown name, an incomplete description, or a repository that does not describe a model.
        EnvironmentMissingError: the Hub cannot be reached.
    """
    wanted = settings.model
    if wanted.custom is not None:
        return wanted.custom.to_model()
    if wanted.hub is None:
        return find_model(wanted.title)
    from qwen_infra.catalog.hub import fetch_model  # only here is the Hub's client needed

    return fetch_model(
        wanted.hub,
        revision=wanted.revision,
        endpoint=settings.cache.hub_endpoint,
        token=os.environ.get("HF_TOKEN") or None,
    )


def find_stack_checkpoint(settings: StackSettings, model: Model) -> Checkpoint:
    """The checkpoint of that model; a described model has one.

    Raises:
        UnknownPrecisionError: the model has none of the precision.
    """
    return model.checkpoint(settings.model.precision or model.precisions[0])
