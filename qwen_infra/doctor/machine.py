"""This machine: Python, the programs, Pulumi's backend, the passphrase and the stack in that backend."""

import json
import platform
import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from qwen_infra.doctor.finding import Finding, missing, ok, unknown
from qwen_infra.doctor.programs import Answer, ask

__all__ = ["examine_machine"]

PYTHON_MINIMUM = (3, 11)
PULUMI_MINIMUM = (3, 259)
KUBECTL_MINIMUM = (1, 30)
"""Source: README, "On a real cluster"; the versions with which the tests run are newer."""

_BUILD = 'build it: export PATH="$(python -m qwen_infra.toolchain):$PATH"'
SALT = "encryptionsalt:"
"""Written into a stack file when a passphrase is first used for it."""
_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.\d+)?")


def examine_machine(environment: Mapping[str, str], folder: Path, stack: str | None) -> list[Finding]:
    """Findings in the order in which a new user needs them; ``folder`` has ``Pulumi.yaml``."""
    found = [_python(), _pulumi(environment, folder), _kubectl(environment, folder), _project(folder)]
    if found[1].status == "missing":
        return [*found, unknown("Pulumi backend", "cannot be asked without pulumi")]
    backend, url = _backend(environment, folder)
    passphrase = _passphrase(environment, folder, stack, url)
    if stack is None or backend.status != "ok":
        return [*found, backend, passphrase]
    if passphrase.status == "ok" and SALT in _read(folder / f"Pulumi.{stack}.yaml"):
        passphrase = _try_passphrase(environment, folder, stack) or passphrase
    return [*found, backend, passphrase, _stack(environment, folder, stack)]


def _python() -> Finding:
    version = platform.python_version_tuple()
    text = platform.python_version()
    if (int(version[0]), int(version[1])) < PYTHON_MINIMUM:
        return missing("Python", text, "make setup PYTHON=python3.12")
    return ok("Python", text)


def _pulumi(environment: Mapping[str, str], folder: Path) -> Finding:
    answer = ask("pulumi", "version", environment=environment, folder=folder)
    mend = "curl -fsSL https://get.pulumi.com | sh, or " + _BUILD
    return _judge_version("pulumi", answer, PULUMI_MINIMUM, mend)


def _kubectl(environment: Mapping[str, str], folder: Path) -> Finding:
    answer = ask("kubectl", "version", "--client", environment=environment, folder=folder)
    mend = "see https://kubernetes.io/docs/tasks/tools/, or " + _BUILD
    return _judge_version("kubectl", answer, KUBECTL_MINIMUM, mend)


def _judge_version(program: str, answer: Answer, least: tuple[int, int], mend: str) -> Finding:
    if answer.code is None and "PATH" in answer.complaint:
        return missing(program, answer.complaint, mend)
    version = _VERSION.search(answer.output)
    if answer.code != 0 or version is None:
        return missing(program, f"does not tell its version: {answer.complaint or 'no message'}", mend)
    if (int(version[1]), int(version[2])) < least:
        return missing(program, f"{version[0]}, older than {least[0]}.{least[1]}", mend)
    return ok(program, version[0].removeprefix("v"))


def _project(folder: Path) -> Finding:
    if (folder / "Pulumi.yaml").is_file() and (folder / "__main__.py").is_file():
        return ok("Pulumi program", "Pulumi.yaml and __main__.py are in this folder")
    return missing(
        "Pulumi program", "no Pulumi.yaml with __main__.py in this folder", "cd into the checkout of qwen-infra"
    )


def _backend(environment: Mapping[str, str], folder: Path) -> tuple[Finding, str | None]:
    answer = ask("pulumi", "whoami", "--json", "--verbose", "--non-interactive", environment=environment, folder=folder)
    what = "Pulumi backend"
    if answer.code is None:
        return unknown(what, answer.complaint, "pulumi whoami"), None
    if answer.code != 0:
        found = "not logged in" if "PULUMI_ACCESS_TOKEN" in answer.complaint else answer.complaint or "no message"
        return missing(
            what, found, 'mkdir -p ~/.pulumi-state && pulumi login "file://$HOME/.pulumi-state", or pulumi login'
        ), None
    url = json.loads(answer.output).get("url") or "unknown address"
    return ok(what, url), url


def _passphrase(environment: Mapping[str, str], folder: Path, stack: str | None, url: str | None) -> Finding:
    """Needed where a passphrase encrypts secrets: on every backend but Pulumi's own, unless a provider is named."""
    what = "passphrase"
    stack_file = folder / f"Pulumi.{stack}.yaml"
    provider = re.search(r"^secretsprovider: *(\S+)", _read(stack_file), re.MULTILINE) if stack else None
    if provider and provider[1] != "passphrase":
        return ok(what, f"not needed: {provider[1].partition(':')[0]} encrypts the secrets of stack {stack}")
    if url and url.startswith("https://") and not provider:
        return ok(what, "not needed: Pulumi's service encrypts the secrets")
    if "PULUMI_CONFIG_PASSPHRASE" in environment:
        return ok(what, "PULUMI_CONFIG_PASSPHRASE is set")
    file = environment.get("PULUMI_CONFIG_PASSPHRASE_FILE")
    if file and Path(file).is_file():
        return ok(what, "PULUMI_CONFIG_PASSPHRASE_FILE is set")
    found = f"PULUMI_CONFIG_PASSPHRASE_FILE names no file: {file}" if file else "neither variable is set"
    return missing(what, found, "export PULUMI_CONFIG_PASSPHRASE=..., or PULUMI_CONFIG_PASSPHRASE_FILE=<file>")


def _try_passphrase(environment: Mapping[str, str], folder: Path, stack: str) -> Finding | None:
    """Encrypt a word into a copy of the stack file: Pulumi checks the passphrase only when it needs it."""
    with TemporaryDirectory() as place:
        copy = Path(place) / "copy.yaml"
        copy.write_text(_read(folder / f"Pulumi.{stack}.yaml"), "utf-8")
        probe = ("config", "set", "--secret", "--config-file", str(copy), "--stack", stack, "probe", "x")
        answer = ask("pulumi", *probe, "--non-interactive", environment=environment, folder=folder)
    if "incorrect passphrase" not in answer.complaint:
        return None
    return missing(
        "passphrase",
        f"it is not the one with which stack {stack} was made",
        "export PULUMI_CONFIG_PASSPHRASE=<the first one>, or PULUMI_CONFIG_PASSPHRASE_FILE=<file>",
    )


def _stack(environment: Mapping[str, str], folder: Path, stack: str) -> Finding:
    what = f"stack {stack}"
    answer = ask("pulumi", "stack", "ls", "--json", "--non-interactive", environment=environment, folder=folder)
    if answer.code != 0:
        return unknown(what, answer.complaint or "no message", "pulumi stack ls")
    names = [item["name"].rpartition("/")[2] for item in json.loads(answer.output)]
    if stack not in names:
        return missing(what, "not in the backend yet", f"pulumi stack init {stack}")
    return ok(what, "in the backend")


def _read(path: Path) -> str:
    return path.read_text("utf-8", errors="replace") if path.is_file() else ""
