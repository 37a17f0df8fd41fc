"""The one file that runs in the pod."""

import ast
import subprocess
import sys
from pathlib import Path

from qwen_infra import download
from qwen_infra.download.bundle import MODULES, bundle_downloader

CONFIG_MAP_LIMIT = 1 << 20


def test_it_holds_every_module_of_the_package_but_those_that_only_make_it():
    folder = Path(download.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} == {*MODULES, "__init__", "bundle"}


def test_it_fits_into_a_config_map_with_much_to_spare():
    assert len(bundle_downloader().encode()) < CONFIG_MAP_LIMIT / 4


def test_it_needs_nothing_but_the_standard_library_and_the_hub_client():
    tree = ast.parse(bundle_downloader())
    found = {
        (node.module or "").partition(".")[0]
        if isinstance(node, ast.ImportFrom)
        else node.names[0].name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert found - sys.stdlib_module_names == {"huggingface_hub", "certifi"}


def test_it_runs_without_any_package_until_it_needs_the_hub(tmp_path: Path):
    script = tmp_path / "download.py"
    script.write_text(bundle_downloader())
    command = [sys.executable, "-I", "-S", str(script), "Qwen/x", "--to", str(tmp_path / "to")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (16, 1)
    assert "Use an image that has 1.31 or newer" in done.stderr
