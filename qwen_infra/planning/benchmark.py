"""The benchmark's settings with what only the catalogue knows filled in."""

from qwen_infra.catalog import Model
from qwen_infra.planning.sampling import find_sampling
from qwen_infra.settings import BenchmarkSettings

__all__ = ["plan_benchmark"]

KEY = "qwen-infra:benchmark.workload.sampling"


def plan_benchmark(settings: BenchmarkSettings, model: Model) -> BenchmarkSettings:
    """The settings, a sampling that was named by its mode replaced by the values of the model's card.

    Raises:
        ConfigurationError: the card has no such mode.
    """
    workload = settings.workload
    if isinstance(workload, str) or not isinstance(workload.get("sampling"), str):
        return settings
    sampling = find_sampling(workload["sampling"], model, key=KEY)
    return settings.model_copy(update={"workload": {**workload, "sampling": sampling}})
