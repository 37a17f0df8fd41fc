"""Lists in the documents are whole, and links work where the files are read in the repository, too."""

import re

import pytest

from qwen_infra.cli.commands import COMMANDS
from qwen_infra.policy.registry import RULES
from qwen_infra.verification import CASES
from tests.command_blocks import ROOT, documents

STACKS = sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml"))
_LINK = re.compile(r"\]\((?!https?:)(?P<target>[^)#\s]+)(?:#[^)]*)?\)")


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_file_is_in_the_table_of_stacks(stack: str):
    table = (
        read("docs/environments.md").partition("## The stack files of this repository")[2].partition("\n\nThe fleet")[0]
    )
    assert f"`{stack}`" in table, f"add {stack} to the table in docs/environments.md"


@pytest.mark.parametrize("name", [command.name for command in COMMANDS])
def test_every_command_is_in_the_table_of_the_readme(name: str):
    table = read("README.md").partition("## Commands")[2].partition("Results go to")[0]
    assert re.search(rf"`(?:qwen-infra )?{name}[` ]", table), f"add {name} to README's table of commands"


def test_every_decision_is_in_the_index_once():
    index = re.findall(r"\]\((\d{4}-[^)]+\.md)\)", read("docs/adr/README.md"))
    decisions = [path.name for path in (ROOT / "docs" / "adr").glob("0*.md")]
    assert sorted(index) == sorted(decisions), "add the decision to docs/adr/README.md"


def test_every_link_leads_to_a_file_of_the_repository():
    pages = [*documents(), ROOT / "README.zh-CN.md", ROOT / "CHANGELOG.md", *(ROOT / "docs" / "adr").glob("*.md")]
    links = [(page, found["target"]) for page in pages for found in _LINK.finditer(page.read_text("utf-8"))]
    dead = [f"{page.relative_to(ROOT)}: {target}" for page, target in links if not (page.parent / target).exists()]

    assert links
    assert dead == []


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ("README.md", r"\[(\d+) cases\]"),
        ("README.zh-CN.md", r"\[(\d+) 个用例\]|\[(\d+)个用例\]"),
        ("CHANGELOG.md", r"(\d+) cases at the levels"),
    ],
)
def test_the_number_of_verification_cases_is_right(page: str, says: str):
    found = re.search(says, read(page))
    assert found
    assert next(filter(None, found.groups())) == str(len(CASES))


def test_the_number_of_rules_is_right_in_the_changelog():
    assert ("Fifteen rules" in read("CHANGELOG.md")) == (len(RULES) == 15)
