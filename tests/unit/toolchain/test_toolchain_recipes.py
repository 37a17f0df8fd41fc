import re
from collections import defaultdict
from pathlib import Path

import pytest

from qwen_infra.errors import EnvironmentMissingError
from qwen_infra.toolchain.folders import recipes_folder
from qwen_infra.toolchain.programs import BUILD_ORDER, PROVIDER_VERSION
from qwen_infra.toolchain.recipes import Recipe, load_recipe

REQUIREMENT = re.compile(r"^(?:require )?\t?(\S+) (v\S+)(?: // indirect)?$", re.MULTILINE)
REPLACEMENT = re.compile(r"^(?:replace )?\t?(\S+) => (\S+) (v\S+)$", re.MULTILINE)

# Their packages make up most of what the programs share; one program at another version compiles them all again.
SHARED = (
    "google.golang.org/grpc",
    "google.golang.org/protobuf",
    "golang.org/x/net",
    "golang.org/x/crypto",
    "golang.org/x/sys",
    "golang.org/x/text",
    "go.opentelemetry.io/otel",
    "k8s.io/api",
    "k8s.io/apimachinery",
    "k8s.io/apiserver",
    "k8s.io/client-go",
    "k8s.io/kube-openapi",
    "k8s.io/utils",
    "sigs.k8s.io/structured-merge-diff/v6",
)


def versions(recipe: Recipe) -> dict[str, str]:
    text = (recipe.folder / "go.mod").read_text()
    return dict(REQUIREMENT.findall(text)) | {module: version for module, _, version in REPLACEMENT.findall(text)}


@pytest.fixture(params=BUILD_ORDER)
def recipe(request: pytest.FixtureRequest) -> Recipe:
    return load_recipe(recipes_folder(), request.param)


def test_a_committed_recipe_names_what_it_builds_and_how_long_that_takes(recipe: Recipe) -> None:
    assert recipe.packages
    assert recipe.expected_s > 0


def test_a_committed_recipe_has_the_checksums_of_its_modules(recipe: Recipe) -> None:
    sums = (recipe.folder / "go.sum").read_text()
    direct = [module for module in versions(recipe) if any(package.startswith(module) for package in recipe.packages)]

    assert all(f"{module} v" in sums for module in direct)


def test_a_committed_recipe_builds_with_the_go_that_we_install(recipe: Recipe) -> None:
    found = re.search(r"^go (\d+)\.(\d+)", (recipe.folder / "go.mod").read_text(), re.MULTILINE)

    assert found is not None
    assert (int(found[1]), int(found[2])) <= (1, 26)


def test_no_recipe_uses_a_kube_openapi_that_serves_a_wrong_document(recipe: Recipe) -> None:
    # Between these two days it aliased encoding/json/v2, whose tag `inline` was renamed (kube-openapi issue 616).
    version = versions(recipe).get("k8s.io/kube-openapi", "v0.0.0-00000000000000-none")
    day = version.split("-")[1][:8]

    assert not "20260512" <= day <= "20260617"


def test_what_the_programs_share_has_one_version_in_all_of_them() -> None:
    seen: dict[str, set[str]] = defaultdict(set)
    for name in BUILD_ORDER:
        for module, version in versions(load_recipe(recipes_folder(), name)).items():
            seen[module].add(version)

    assert {module: seen[module] for module in SHARED if len(seen[module]) != 1} == {}


def test_the_provider_is_built_in_the_version_that_its_plugin_folder_says() -> None:
    assert load_recipe(recipes_folder(), "pulumi-resource-kubernetes").version == PROVIDER_VERSION


def test_a_missing_recipe_says_that_a_checkout_is_needed(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentMissingError, match="run from a checkout of the project, or install the program"):
        load_recipe(tmp_path, "etcd")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    folder = tmp_path / "etcd"
    folder.mkdir()
    (folder / "recipe.toml").write_text('version = "1"\nexpected_s = 1\npackages = ["x"]\n')
    (folder / "go.mod").write_text("module x\n")
    return tmp_path


def test_the_cache_name_stays_while_the_recipe_stays(small: Path) -> None:
    assert load_recipe(small, "etcd").cache_name() == load_recipe(small, "etcd").cache_name()


@pytest.mark.parametrize(("old", "new"), [("expected_s = 1", "expected_s = 300"), ("version", "# for people\nversion")])
def test_the_cache_name_stays_when_only_a_remark_changes(small: Path, old: str, new: str) -> None:
    before = load_recipe(small, "etcd").cache_name()
    file = small / "etcd" / "recipe.toml"
    file.write_text(file.read_text().replace(old, new))

    assert load_recipe(small, "etcd").cache_name() == before


@pytest.mark.parametrize(("old", "new"), [('version = "1"', 'version = "2"'), ('["x"]', '["x/y"]')])
def test_the_cache_name_changes_with_what_the_recipe_says(small: Path, old: str, new: str) -> None:
    before = load_recipe(small, "etcd").cache_name()
    file = small / "etcd" / "recipe.toml"
    file.write_text(file.read_text().replace(old, new))

    assert load_recipe(small, "etcd").cache_name() != before


@pytest.mark.parametrize("file", ["go.mod", "go.sum", "main.go", "sub/main.go"])
def test_the_cache_name_changes_with_every_file_of_the_recipe(small: Path, file: str) -> None:
    before = load_recipe(small, "etcd").cache_name()
    changed = small / "etcd" / file
    changed.parent.mkdir(exist_ok=True)
    changed.write_text((changed.read_text() if changed.exists() else "") + "\n")

    assert load_recipe(small, "etcd").cache_name() != before
