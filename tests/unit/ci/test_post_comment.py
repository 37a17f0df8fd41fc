"""``ci/post-comment.sh`` with a stand-in for ``gh``: one comment a pull request, replaced and not repeated."""

import os
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "ci" / "post-comment.sh"
GH = """#!/usr/bin/env bash
printf '%s\\n' "$*" >>"$CALLS"
case "$*" in *--jq*) printf '%s' "$FOUND" ;; esac
"""


def post(folder: Path, found: str) -> list[str]:
    gh = folder / "gh"
    gh.write_text(GH, "utf-8")
    gh.chmod(0o755)
    comment = folder / "comment.md"
    comment.write_text("<!-- qwen-infra preview -->\nhello\n", "utf-8")
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "CALLS": str(folder / "calls"), "FOUND": found}
    subprocess.run([SCRIPT, "team/serving", "7", comment], env=environment, check=True)
    return (folder / "calls").read_text("utf-8").splitlines()


def test_the_first_comment_is_posted(tmp_path: Path) -> None:
    looked, posted = post(tmp_path, "")
    assert 'startswith("<!-- qwen-infra preview -->")' in looked
    assert posted.startswith("api --silent --method POST repos/team/serving/issues/7/comments --field body=@")


def test_the_next_one_replaces_it(tmp_path: Path) -> None:
    _, posted = post(tmp_path, "42\n43\n")
    assert posted.startswith("api --silent --method PATCH repos/team/serving/issues/comments/42 --field body=@")
