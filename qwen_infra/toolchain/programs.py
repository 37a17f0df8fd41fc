"""The programs that a deployment on a simulated cluster needs: which recipe makes each, and which versions found
elsewhere will do.

How a program is looked for is in lookup.py, how it is built in builds.py.
"""

from dataclasses import dataclass
from enum import Enum

from qwen_infra.errors import ConfigurationError

Version = tuple[int, int, int]

PROVIDER_VERSION = "4.30.0"
"""Of pulumi-kubernetes: the Python SDK pinned in pyproject.toml asks for exactly this plugin."""

BUILD_ORDER = (
    "kubernetes",
    "etcd",
    "kwok",
    "pulumi",
    "pulumi-language-python",
    "pulumi-resource-kubernetes",
    "registry",
    "lws",
)
"""Recipes, the one with the most packages first: those after it find most of theirs already compiled."""


class Lookup(Enum):
    """Where a program that we did not build may be found."""

    PATH = "on PATH"
    BESIDE_PULUMI = "beside the pulumi on PATH"
    PLUGIN_FOLDER = "in the Pulumi plugin folder"


@dataclass(frozen=True)
class Program:
    """One program.

    Args:
        name: its file name.
        recipe: the folder in ``tools/`` that builds it.
        lookup: where else it may come from.
        probe: arguments that make it print its version and exit.
        oldest: the oldest version that will do.
        below: the first version that is too new to be trusted.
        companion: a program that must lie beside it.
        is_for_tests: whether no deployment needs it, only a test or who asks for it by name.
    """

    name: str
    recipe: str
    lookup: Lookup = Lookup.PATH
    probe: tuple[str, ...] = ("--version",)
    oldest: Version = (0, 0, 0)
    below: Version = (9999, 0, 0)
    companion: str | None = None
    is_for_tests: bool = False

    def accepts(self, version: Version) -> bool:
        return self.oldest <= version < self.below

    @property
    def wanted(self) -> str:
        """The versions that will do, in words."""
        if self.lookup is Lookup.PLUGIN_FOLDER:
            return PROVIDER_VERSION
        return f"{_text(self.oldest)} or newer, below {_text(self.below)}"


def _text(version: Version) -> str:
    return ".".join(map(str, version)).removesuffix(".0").removesuffix(".0")


_TABLE = (
    # The CLI's plugin protocol is that of the SDK in pyproject.toml (3.259.0).
    Program(
        "pulumi", "pulumi", probe=("version",), oldest=(3, 259, 0), below=(4, 0, 0), companion="pulumi-language-python"
    ),
    Program(
        "pulumi-language-python", "pulumi-language-python", Lookup.BESIDE_PULUMI, oldest=(3, 259, 0), below=(4, 0, 0)
    ),
    Program("pulumi-resource-kubernetes", "pulumi-resource-kubernetes", Lookup.PLUGIN_FOLDER),
    # The three control plane programs must match each other: one minor version for all.
    Program("kube-apiserver", "kubernetes", oldest=(1, 36, 0), below=(1, 37, 0)),
    Program("kube-controller-manager", "kubernetes", oldest=(1, 36, 0), below=(1, 37, 0)),
    Program("kube-scheduler", "kubernetes", oldest=(1, 36, 0), below=(1, 37, 0)),
    # Upstream's version skew policy: kubectl within one minor version of the server.
    Program("kubectl", "kubernetes", probe=("version", "--client"), oldest=(1, 35, 0), below=(1, 38, 0)),
    # Kubernetes 1.36 needs RequestWatchProgress, which etcd 3.5 has since 3.5.13 (feature_support_checker.go).
    Program("etcd", "etcd", oldest=(3, 5, 13), below=(4, 0, 0)),
    Program("kwok", "kwok", oldest=(0, 8, 0), below=(1, 0, 0)),
    Program("kwokctl", "kwok", oldest=(0, 8, 0), below=(1, 0, 0)),
    Program("registry", "registry", oldest=(3, 0, 0), below=(4, 0, 0), is_for_tests=True),
    # Its definition in qwen_infra/local/custom_resources is of the same version.
    Program("lws-controller", "lws", oldest=(0, 8, 0), below=(0, 9, 0), is_for_tests=True),
)

BY_NAME = {program.name: program for program in _TABLE}
PROGRAMS: tuple[str, ...] = tuple(program.name for program in _TABLE if not program.is_for_tests)
"""What a deployment on a simulated cluster needs."""
PROGRAMS_OF = {recipe: tuple(program.name for program in _TABLE if program.recipe == recipe) for recipe in BUILD_ORDER}


def select_programs(names: tuple[str, ...]) -> tuple[Program, ...]:
    """The programs of these names in the table's order, each once, with those that they cannot do without."""
    unknown = [name for name in names if name not in BY_NAME]
    if unknown:
        raise ConfigurationError(
            "no such program in the toolchain",
            where="PROGRAM",
            found=", ".join(unknown),
            expected="one of " + ", ".join(BY_NAME),
        )
    companions = {companion for name in names if (companion := BY_NAME[name].companion)}
    return tuple(program for program in _TABLE if program.name in names or program.name in companions)
