"""A preview in which any part is of another shape: a comment, or one message, and never a traceback."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qwen_infra.errors import ConfigurationError
from qwen_infra.review import read_preview, render_comment, review_preview

PREVIEWS = {path.stem: json.loads(path.read_text("utf-8")) for path in (Path(__file__).parent / "previews").iterdir()}
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 1.5, 10**30, float("inf"), "", "x", "::", "a::b::c", "\ud800", "|`<b>", [], {}]),
    st.sampled_from(
        [[None], [[]], [{}], {"a": None}, {"": {}}, {"spec": None}, {"metadata": []}, {"spec": {"template": []}}]
    ),
)


def places(value: Any, *path: str | int) -> list[tuple[str | int, ...]]:
    """The way to each part of a document."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, part in parts for place in places(part, *path, key))]


PLACES = {name: places(preview) for name, preview in PREVIEWS.items()}


def put(value: Any, path: tuple[str | int, ...], odd: Any) -> Any:
    """The document with another part at one place; what is not on the way to it is shared."""
    if not path:
        return odd
    key, *rest = path
    if isinstance(value, dict) and key in value:
        return {**value, key: put(value[key], tuple(rest), odd)}
    if isinstance(value, list) and isinstance(key, int) and key < len(value):
        return [*value[:key], put(value[key], tuple(rest), odd), *value[key + 1 :]]
    return value


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_preview_with_odd_parts_gives_a_comment_or_one_message(data: st.DataObject, tmp_path: Path) -> None:
    name = data.draw(st.sampled_from(sorted(PREVIEWS)))
    document = PREVIEWS[name]
    for _ in range(data.draw(st.integers(1, 3))):
        document = put(document, data.draw(st.sampled_from(PLACES[name])), data.draw(ODD))
    path = tmp_path / "preview.json"
    path.write_text(json.dumps(document), "utf-8")
    try:
        told = render_comment([review_preview(read_preview(path), stack="test")])
    except ConfigurationError as error:
        told = str(error)
        assert "\n" not in told
    assert told.encode("utf-8")


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "3", '"x"', "{", "[{}]", '{"steps": 3}', '{"a":' * 3000, "[" * 100000]
)
def test_what_is_no_preview_is_one_message(text: str, tmp_path: Path) -> None:
    path = tmp_path / "preview.json"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError, match="not the output of pulumi preview --json"):
        read_preview(path)
