"""Kubernetes' notation of amounts, as its own documentation lists it (apimachinery, ``resource.Quantity``)."""

import pytest

from qwen_infra.quantities import parse_quantity


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("16", 16.0),
        ("500m", 0.5),
        ("100u", 1e-4),
        ("250n", 2.5e-7),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("64Gi", 64 * 2.0**30),
        ("2Ei", 2.0**61),
        ("1E", 1e18),
        ("128e6", 128e6),
        ("1E3", 1e3),
        ("5e-1", 0.5),
    ],
)
def test_every_form_of_a_quantity_is_read(text: str, amount: float) -> None:
    assert parse_quantity(text) == pytest.approx(amount)


@pytest.mark.parametrize("text", ["", "Gi", "1GiB", "1e", "1e3Gi", "1,5", "-1", None])
def test_what_is_no_quantity_is_none(text: object) -> None:
    assert parse_quantity(text) is None
