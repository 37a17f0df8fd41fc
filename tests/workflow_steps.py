"""The shell steps of a workflow, run as GitHub's runner runs them; what actions would bring is there already.

A runner gives each step the variables of workflow, job and step with their ``${{ }}`` filled in, ``bash -e``, a
folder for what is temporary, and adds to PATH what earlier steps wrote into ``$GITHUB_PATH``.
"""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

__all__ = ["Step", "run_steps"]

ROOT = Path(__file__).parents[1]
_EXPRESSION = re.compile(r"\$\{\{ *([\w.]+) *\}\}")


@dataclass(frozen=True)
class Step:
    """One step that ran: its name, exit code, and all that it wrote."""

    name: str
    code: int
    written: str


def run_steps(
    workflow: str, folder: Path, temporary: Path, environment: Mapping[str, str], contexts: Mapping[str, str]
) -> list[Step]:
    """The steps of a workflow's only job, in their order, in ``folder``; those with ``always()`` after a failure too.

    Args:
        workflow: name of the file in ``.github/workflows``, without its end.
        folder: the checkout.
        temporary: ``$RUNNER_TEMP``.
        environment: of the runner.
        contexts: what each expression stands for: ``secrets.KUBECONFIG_PREVIEW``.
    """
    document = yaml.safe_load((ROOT / ".github" / "workflows" / f"{workflow}.yml").read_text("utf-8"))
    (job,) = document["jobs"].values()
    added = temporary / "path"
    added.touch()
    done: list[Step] = []
    for step in (step for step in job["steps"] if "run" in step):
        if any(each.code for each in done) and "always()" not in step.get("if", ""):
            continue
        given = {**document.get("env", {}), **job.get("env", {}), **step.get("env", {})}
        path = os.pathsep.join([*reversed(added.read_text("utf-8").split()), environment["PATH"]])
        variables = {name: _fill(str(value), contexts) for name, value in given.items()}
        runner = {"RUNNER_TEMP": str(temporary), "GITHUB_PATH": str(added), "PATH": path}
        done.append(_run(step, folder, {**environment, **variables, **runner}))
    return done


def _run(step: Mapping[str, Any], folder: Path, environment: Mapping[str, str]) -> Step:
    ended = subprocess.run(
        ["bash", "-e", "-c", step["run"]],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Step(step["name"], ended.returncode, ended.stdout)


def _fill(text: str, contexts: Mapping[str, str]) -> str:
    """The text with its expressions filled in; one that is not known is an error."""
    return _EXPRESSION.sub(lambda found: contexts[found[1]], text)
