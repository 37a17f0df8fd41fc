"""Reading manifests that others wrote: null as absent, label selectors as Kubernetes reads them."""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["drop_nulls", "selects"]


def drop_nulls(value: Any) -> Any:
    """A copy in plain maps and lists without nulls: to Kubernetes a field that is null is a field that is absent."""
    if isinstance(value, Mapping):
        return {str(key): drop_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [drop_nulls(item) for item in value if item is not None]
    return value


def selects(selector: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    """Whether a label selector finds an object with these labels; an empty one finds every object.

    Source: ``LabelSelector`` of meta/v1; all of ``matchLabels`` and ``matchExpressions`` must hold, and an operator
    that Kubernetes does not know finds nothing.
    """
    wanted = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _holds(expression, labels) for expression in selector.get("matchExpressions") or ()
    )


def _holds(expression: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    key, values = str(expression.get("key", "")), expression.get("values") or ()
    match expression.get("operator"):
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":
            return key not in labels or labels[key] not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case _:
            return False
