"""What is generated from the code is committed as it is generated now."""

from pathlib import Path

import pytest

from qwen_infra.cli.reference import reference_files

ROOT = Path(__file__).parents[3]
FILES = reference_files()


@pytest.mark.parametrize("name", FILES)
def test_a_generated_file_is_up_to_date(name: str):
    path = ROOT / name
    is_fresh = path.exists() and path.read_text("utf-8") == FILES[name]

    if not is_fresh:
        pytest.fail(f"{name} is out of date: run `make docs-reference` and commit it", pytrace=False)
