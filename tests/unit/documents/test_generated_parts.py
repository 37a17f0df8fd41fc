"""Pictures and tables in the documents show what the code says now."""

from pathlib import Path

import pytest

from docs_site.generated import ONE_GPU_PAGE, with_table
from docs_site.memory_picture import PICTURES, render_picture, texts_of

ROOT = Path(__file__).parents[3]
MEND = "is out of date: run `make docs-reference` and commit it"


@pytest.mark.parametrize("name", PICTURES)
def test_the_picture_of_the_memory_shows_the_prediction(name: str):
    drawn = texts_of((ROOT / name).read_text("utf-8"))

    assert drawn, f"{name} has no words"
    assert drawn == texts_of(render_picture(ROOT, PICTURES[name])), f"{name} {MEND}"


def test_the_words_below_the_picture_are_its_own():
    shown = (ROOT / "docs" / "sizing.md").read_text("utf-8")
    drawn = " ".join(texts_of((ROOT / "docs/images/memory-light.svg").read_text("utf-8")))

    for figure in ("52.2", "6.6", "2.3", "95.5", "6475", "156.7", "184.3"):
        assert figure in drawn
        assert figure in shown


def test_the_table_of_one_gpu_is_the_prediction():
    page = (ROOT / ONE_GPU_PAGE).read_text("utf-8")
    assert page == with_table(page), f"{ONE_GPU_PAGE} {MEND}"
