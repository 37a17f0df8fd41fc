"""``make docs``: the pages are put together as plain Markdown, then a site builder renders them (ADR 0105).

What is done here no builder does: pages of the repository's root join, links are right in both places, and a page that
the navigation does not name stands under "More". The pages themselves are not changed.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

__all__ = ["ROOT_PAGES", "assemble", "build", "rewrite_links"]

ROOT_PAGES = {
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "README.md": "index.md",
    "README.zh-CN.md": "readme.zh-CN.md",
    "docs/adr": "adr/index.md",
    "docs/adr/README.md": "adr/index.md",
}
"""File of the repository to the page that shows it, where their names differ; README's is ``docs/index.md``."""
_LINK = re.compile(r"\]\((?P<target>[^)#\s:]+)(?P<anchor>#[^)\s]*)?\)")
_CONFIGURATION = "mkdocs.yml"


def build(root: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """Assemble and render; a broken link or anchor is an error of the builder's, which its output names."""
    assemble(root, target / "source")
    command = [str(Path(sys.executable).parent / "zensical"), "build", "--strict", "--clean"]
    return subprocess.run(command, cwd=target / "source", capture_output=True, text=True, check=False)


def assemble(root: Path, target: Path) -> None:
    """Write the pages and the builder's configuration into ``target``, anew."""
    shutil.rmtree(target, ignore_errors=True)
    pages = target / "docs"
    shutil.copytree(root / "docs", pages)
    for path in sorted(pages.rglob("*.md")):
        uri = path.relative_to(pages).as_posix()
        path.write_text(rewrite_links(path.read_text("utf-8"), f"docs/{uri}"), "utf-8")
    for name, uri in ROOT_PAGES.items():
        if (root / name).is_file() and not (pages / uri).exists():
            (pages / uri).write_text(rewrite_links((root / name).read_text("utf-8"), name), "utf-8")
    (pages / "adr" / "README.md").unlink(missing_ok=True)  # it has become adr/index.md
    settings = yaml.safe_load((root / _CONFIGURATION).read_text("utf-8"))
    settings["nav"] = _complete(settings["nav"], pages)
    (target / _CONFIGURATION).write_text(yaml.safe_dump(settings, sort_keys=False), "utf-8")


def rewrite_links(text: str, page: str) -> str:
    """Relative links as they are right in the repository, made right for the site.

    Args:
        text: Markdown.
        page: its path from the repository's root.
    """

    def rewrite(match: re.Match[str]) -> str:
        path = _normalise(PurePosixPath(page).parent / match["target"])
        site = ROOT_PAGES.get(path) or path.removeprefix("docs/")
        if site == path:  # neither a page nor a file of docs/: left to the builder, which will complain
            return match[0]
        here = PurePosixPath(ROOT_PAGES.get(page) or page.removeprefix("docs/")).parent
        return f"]({'../' * len(here.parts)}{site}{match['anchor'] or ''})"

    return _LINK.sub(rewrite, text)


def _complete(nav: list[Any], pages: Path) -> list[Any]:
    """The navigation with every page in it."""
    named = set(_named(nav))
    found = sorted(path.relative_to(pages).as_posix() for path in pages.rglob("*.md"))
    decisions = [uri for uri in found if uri.startswith("adr/") and uri != "adr/index.md"]
    more = [uri for uri in found if uri not in named and not uri.startswith("adr/")]
    contents = ["adr/index.md"] if "adr/index.md" in found else []
    return [*nav, *([{"More": more}] if more else []), *([{"Decisions": [*contents, *decisions]}] if decisions else [])]


def _named(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
        return
    for value in nav.values() if isinstance(nav, dict) else nav:
        yield from _named(value)


def _normalise(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


if __name__ == "__main__":
    done = build(Path.cwd(), Path("build/docs"))
    if done.returncode != 0:
        print(done.stdout, file=sys.stderr)
        print("error: the documents have broken links, named above", file=sys.stderr)
        raise SystemExit(1)
    print("build/docs/source/site/index.html", file=sys.stderr)
