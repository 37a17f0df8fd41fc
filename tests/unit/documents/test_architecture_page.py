"""ARCHITECTURE.md names every folder and module, and every place that it sends a newcomer to exists."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
PACKAGE = ROOT / "qwen_infra"


def section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_every_folder_and_module_of_the_package_is_named():
    folders = {f"{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")}
    modules = {path.name for path in PACKAGE.glob("*.py") if not path.name.startswith("__")}
    named = set(re.findall(r"`([^`]+)`", section("Folders")))

    unnamed = sorted((folders | modules) - named)
    assert unnamed == [], "say in ARCHITECTURE.md, under Folders, what each of these is for"


def test_every_folder_of_the_repository_is_named():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    folders = {name.split("/")[0] for name in tracked.split("\n") if "/" in name and not name.startswith(".")}
    named = set(re.findall(r"`\.\./([\w-]+)/`", section("Folders")))

    assert folders - named - {"qwen_infra"} == set()


def test_every_place_where_something_is_added_exists():
    rows = [line.split("|")[2] for line in section("Where things are added").splitlines() if line.startswith("| ")]
    places = {name for row in rows for name in re.findall(r"`((?:[\w-]+/)+(?:[\w-]+\.\w+)?)`", row)}

    assert places
    missing = [name for name in places if not (ROOT / name).exists() and not (PACKAGE / name).exists()]
    assert missing == []
