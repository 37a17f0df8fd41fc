"""What goes out with a version: notices of what is installed, an SBOM of what is pinned, notes of the right version."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from qwen_infra.errors import ConfigurationError
from release.notes import cut_notes
from release.notices import FILE, pinned_packages, render_notices

ROOT = Path(__file__).parents[3]
CHANGELOG = (
    "# Changelog\n\n## Unreleased\n\n- later\n\n## 0.2.0 - 2026-12-01\n\n### Added\n- this\n\n## 0.1.0\n\n- old\n"
)


@pytest.fixture(scope="module")
def notices() -> str:
    return render_notices(ROOT)


def test_the_notices_name_everything_that_is_installed(notices: str):
    written = (ROOT / FILE).read_text("utf-8").splitlines()
    if not set(notices.splitlines()) <= set(written):  # another Python may install fewer
        pytest.fail(f"{FILE} is out of date: run `make notices` and commit it", pytrace=False)


def test_no_package_of_an_unknown_licence_is_installed(notices: str):
    assert "UNKNOWN" not in notices


def test_the_sbom_names_every_pinned_package_with_its_hashes(tmp_path: Path):
    file = tmp_path / "sbom.json"
    program = str(Path(sys.executable).parent / "cyclonedx-py")
    options = ["--pyproject", "pyproject.toml", "--output-reproducible", "--output-file", str(file)]
    subprocess.run([program, "requirements", *options, "requirements.txt"], cwd=ROOT, check=True, capture_output=True)
    document = json.loads(file.read_text("utf-8"))

    assert document["bomFormat"] == "CycloneDX"
    assert document["metadata"]["component"]["name"] == "qwen-infra"
    named = {item["name"].lower().replace("_", "-").replace(".", "-"): item for item in document["components"]}
    assert {name: item["version"] for name, item in named.items()} == pinned_packages(ROOT)
    assert all(item["externalReferences"][0]["hashes"] for item in named.values())


def test_the_makefile_makes_the_same_sbom():
    assert "cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible" in (
        ROOT / "Makefile"
    ).read_text("utf-8")


def test_the_notes_are_the_changelogs_section():
    assert cut_notes(CHANGELOG, "v0.2.0", "0.2.0") == "### Added\n- this\n"


def test_a_tag_of_another_version_is_refused():
    with pytest.raises(ConfigurationError, match="the tag is not the program's version"):
        cut_notes(CHANGELOG, "v0.3.0", "0.2.0")


def test_a_version_without_a_section_is_refused():
    with pytest.raises(ConfigurationError, match="no section of this version"):
        cut_notes(CHANGELOG, "v0.3.0", "0.3.0")
