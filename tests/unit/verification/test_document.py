from pathlib import Path

from qwen_infra.verification.document import insert_list

PAGE = Path(__file__).parents[3] / "docs" / "verification.md"


def test_the_page_lists_every_case_as_it_is() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert insert_list(page) == page, "run: python -m qwen_infra.verification.document docs/verification.md"
