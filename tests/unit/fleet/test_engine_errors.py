"""The reasons among what Pulumi prints when an update fails."""

import io
import os
import signal
import sys
from pathlib import Path

import pytest

from qwen_infra.fleet.engine import list_errors, run_engine

PRINTED = """Updating (staging-eu):
 +  kubernetes:core/v1:ConfigMap guard **creating failed** error: before hook "ownership" failed: ConfigMap qwen/x
 +  pulumi:pulumi:Stack qwen-infra-staging-eu creating (0s) error: update failed
Diagnostics:
  kubernetes:core/v1:ConfigMap (guard):
    error: before hook "ownership" failed: ConfigMap qwen/x: the object already exists

  pulumi:pulumi:Stack (qwen-infra-staging-eu):
    warning: HOOK
    \x1b[31merror: \x1b[0mupdate failed

Resources:
    2 created
"""


def test_the_reasons_stand_in_the_diagnostics_and_the_outcome_is_none() -> None:
    told = 'before hook "ownership" failed: ConfigMap qwen/x: the object already exists'
    assert list_errors(PRINTED.splitlines()) == (told,)


def test_an_update_that_never_began_tells_its_error_alone() -> None:
    assert list_errors(["error: the stack is currently locked by 1 lock(s)"]) == (
        "the stack is currently locked by 1 lock(s)",
    )


def test_what_is_said_twice_is_told_once() -> None:
    assert list_errors(["Diagnostics:", "  error: a", "  error: Preview failed: a", "  error: preview failed"]) == (
        "a",
    )


def test_a_run_without_an_error_has_no_reason() -> None:
    assert list_errors(["Diagnostics:", "  warning: a", "Resources:"]) == ()


class Gone(io.StringIO):
    """A terminal that hung up."""

    def write(self, _text: str) -> int:
        raise OSError(5, "Input/output error")


def refuse(_text: str) -> None:
    raise OSError(5, "Input/output error")


def test_a_terminal_that_hangs_up_stops_pulumi_gently_and_never_kills_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program gets its signal, prints on, and ends by itself."""
    program = tmp_path / "pulumi"
    script = f"""#!/bin/sh
trap 'echo stopped >> {tmp_path}/said; stop=1' INT
echo begun
kill -HUP {os.getpid()}
while [ -z "$stop" ]; do sleep 0.05; done
echo one more line && echo ended >> {tmp_path}/said
"""
    program.write_text(script, "utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(sys, "stderr", Gone())
    before = signal.getsignal(signal.SIGHUP)
    ended = run_engine("up", folder=tmp_path, say=refuse)
    assert (ended.code, ended.interrupted) == (0, True)
    assert (tmp_path / "said").read_text("utf-8").splitlines() == ["stopped", "ended"]
    assert signal.getsignal(signal.SIGHUP) is before
