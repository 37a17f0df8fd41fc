"""The documents as a site: a link or an anchor that leads nowhere is an error, and no page fetches anything."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from docs_site.assemble import assemble, build, rewrite_links

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    done = build(ROOT, target)
    if done.returncode != 0:
        pytest.fail(f"`make docs` fails:\n{done.stdout}", pytrace=False)
    return target / "source" / "site"


def test_every_page_is_built_and_no_link_is_broken(site: Path):
    names = {str(path.relative_to(ROOT / "docs").with_suffix(".html")) for path in (ROOT / "docs").rglob("*.md")}
    pages = {Path("adr/index.html" if name == "adr/README.html" else name) for name in names}
    assert pages <= {path.relative_to(site) for path in site.rglob("*.html")}


def test_a_reader_without_a_network_misses_nothing(site: Path):
    fetched = re.compile(r"<(?:script|link|img)[^>]*(?:src|href)=[\"']?(?:https?:)?//[^ >]+")
    assert [found for path in site.rglob("*.html") for found in fetched.findall(path.read_text("utf-8"))] == []


@pytest.mark.parametrize("link", ["[text](nowhere.md)", "[text](sizing.md#nowhere)"])
def test_a_link_that_leads_nowhere_fails_the_build(tmp_path: Path, link: str):
    copy = tmp_path / "repository"
    (copy / "docs" / "adr").mkdir(parents=True)
    for name in ("sizing.md", "state.md"):
        (copy / "docs" / name).write_text(f"# Title\n\n{link}\n", "utf-8")
    (copy / "mkdocs.yml").write_text("site_name: test\nnav: [sizing.md]\n", "utf-8")

    assert build(copy, tmp_path / "out").returncode != 0


def test_a_page_that_the_navigation_does_not_name_stands_under_more(tmp_path: Path):
    copy = tmp_path / "repository"
    shutil.copytree(ROOT / "docs", copy / "docs")
    shutil.copy(ROOT / "mkdocs.yml", copy)
    (copy / "docs" / "new-page.md").write_text("# New\n", "utf-8")

    assemble(copy, tmp_path / "out")

    navigation = yaml.safe_load((tmp_path / "out" / "mkdocs.yml").read_text("utf-8"))["nav"]
    assert "new-page.md" in next(entry["More"] for entry in navigation if "More" in entry)


@pytest.mark.parametrize(
    ("page", "link", "expected"),
    [
        ("README.md", "docs/sizing.md#formula", "sizing.md#formula"),
        ("README.md", "docs/adr", "adr/index.md"),
        ("docs/index.md", "adr/README.md", "adr/index.md"),
        ("docs/index.md", "../CONTRIBUTING.md", "contributing.md"),
        ("CONTRIBUTING.md", "ARCHITECTURE.md", "architecture.md"),
        ("docs/sizing.md", "../ARCHITECTURE.md", "architecture.md"),
        ("docs/adr/0001-x.md", "../model-cache.md", "../model-cache.md"),
        ("docs/adr/0001-x.md", "../../README.md", "../index.md"),
        ("docs/state.md", "environments.md#drift", "environments.md#drift"),
        ("docs/state.md", "https://example.com/a.md", "https://example.com/a.md"),
    ],
)
def test_a_link_of_the_repository_becomes_one_of_the_site(page: str, link: str, expected: str):
    assert rewrite_links(f"[text]({link})", page) == f"[text]({expected})"
