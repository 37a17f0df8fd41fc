"""README.zh-CN.md says what README.md says: the same headings, blocks, tables and links, in another language."""

import re
from pathlib import Path

import pytest

from tests.command_blocks import blocks_of, without_comment

ROOT = Path(__file__).parents[3]
ENGLISH = (ROOT / "README.md").read_text("utf-8")
CHINESE = (ROOT / "README.zh-CN.md").read_text("utf-8")


def headings(text: str) -> list[int]:
    return [len(found) for found in re.findall(r"^(#+) ", text, re.MULTILINE)]


def blocks(text: str) -> list[list[str]]:
    return [[without_comment(line) for line in lines] for *_, lines in blocks_of(text)]


def links(text: str) -> list[str]:
    return [found for found in re.findall(r"\]\(([^)]+)\)", text) if not found.startswith("README")]


def terms(text: str) -> list[str]:
    """What stands between backticks in each row of a table."""
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    return [" ".join(re.findall(r"`[^`]+`", row)) for row in rows]


@pytest.mark.parametrize("part", [headings, blocks, links, terms], ids=lambda part: part.__name__)
def test_both_readmes_have_the_same(part):
    assert part(CHINESE) == part(ENGLISH)


def test_every_heading_is_translated():
    titles = re.findall(r"^##+ (.+)$", CHINESE, re.MULTILINE)
    assert [title for title in titles if not re.search(r"[\u4e00-\u9fff]", title)] == []
