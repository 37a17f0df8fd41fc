"""A machine of its own for every test: a PATH of what the test puts there, an empty cache, recipes for fakes.

The fakes are real executables, started as real processes.
"""

import stat
import sys
from pathlib import Path

PYTHON = sys.executable

FAKE_GO = r"""#!{python}
import os, pathlib, sys
arguments = sys.argv[1:]
with open({calls!r}, "a") as calls:
    calls.write(" ".join(arguments) + "\n")
if arguments == ["version"]:
    print("go version go{version} linux/amd64")
elif arguments[0] == "list":
    print("go: downloading example.org/module v1.0.0", file=sys.stderr)
    print({module!r})
elif arguments[0] == "build":
{build}
"""

BUILD_WELL = r"""
    print("example.org/first")
    target = arguments[arguments.index("-o") + 1]
    packages = arguments[arguments.index("-o") + 2:]
    files = [target + package.split("/")[-1] for package in packages] if target.endswith("/") else [target]
    for file in files:
        pathlib.Path(file).write_text("#!/bin/sh\necho " + os.path.basename(file) + " v9.9.9\n")
        os.chmod(file, 0o755)
"""

RECIPES = {
    "kubernetes": 'packages = ["."]\noutput = "hyperkube"\n'
    'links = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"]\n',
    "etcd": 'packages = ["example.org/server"]\noutput = "etcd"\n',
    "kwok": 'packages = ["example.org/kwok", "example.org/kwokctl"]\n',
    "pulumi": 'packages = ["example.org/pulumi"]\n'
    '[[scripts]]\npackage = "example.org/sdk"\npath = "dist/pulumi-script"\n',
    "pulumi-language-python": 'packages = ["example.org/pulumi-language-python"]\n',
    "pulumi-resource-kubernetes": 'packages = ["example.org/pulumi-resource-kubernetes"]\n[patched_module]\n'
    'path = "example.org/module"\npackage = "example.org/module/version"\n'
    '[[patched_module.generated]]\nfrom = "schema.json"\nto = "embed.json"\nset = { version = "4.30.0" }\n'
    '[[patched_module.edits]]\nfile = "main.go"\nold = "four"\nnew = "six"\n',
}


class Machine:
    """What a test may arrange and look at."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bin"
        self.cache = root / "cache" / "toolchain"
        self.tools = root / "tools"
        self.module = root / "module"
        self.go_calls_file = root / "go-calls"
        for folder in (self.bin, self.tools, self.module / "dist"):
            folder.mkdir(parents=True)
        (self.module / "dist" / "pulumi-script").write_text("#!/bin/sh\n")
        (self.module / "schema.json").write_text('{"name": "kubernetes", "version": ""}')
        (self.module / "main.go").write_text("uses four\n")
        for name, text in RECIPES.items():
            (self.tools / name).mkdir()
            (self.tools / name / "recipe.toml").write_text(f'version = "9.9.9"\nexpected_s = 1\n{text}')
            (self.tools / name / "go.mod").write_text("module fake\n")
            (self.tools / name / "go.sum").write_text("")

    def put(self, name: str, says: str = "", *, folder: Path | None = None) -> Path:
        """A program that prints ``says``, whatever it is asked; each start is noted in ``<program>.starts``."""
        folder = folder or self.bin
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / name
        file.write_text(f"#!/bin/sh\necho start >> {file}.starts\necho '{says}'\n")
        return make_executable(file)

    def starts(self, program: Path) -> int:
        log = program.with_name(program.name + ".starts")
        return len(log.read_text().splitlines()) if log.exists() else 0

    def put_go(self, build: str = BUILD_WELL, *, version: str = "1.26.8", folder: Path | None = None) -> None:
        folder = folder or self.bin
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "go").write_text(
            FAKE_GO.format(
                python=PYTHON,
                calls=str(self.go_calls_file),
                version=version,
                module=str(self.module),
                build=build,
            )
        )
        make_executable(folder / "go")

    def go_builds(self) -> list[str]:
        if not self.go_calls_file.exists():
            return []
        return [line for line in self.go_calls_file.read_text().splitlines() if line.startswith("build")]

    def finished(self) -> list[str]:
        """Recipes whose result stands in the cache."""
        return sorted(path.name.rsplit("-", 1)[0] for path in self.cache.glob("*-*") if (path / "built.json").exists())


def make_executable(file: Path) -> Path:
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file
