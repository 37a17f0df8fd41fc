"""The suite with all that it imports of this package as a zip application, for a ConfigMap (docs/adr/0063).

Which modules it needs is read from their imports; names, order and times in the archive are always the same, so that
the same code is the same archive.
"""

import ast
import io
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

__all__ = ["MAX_BYTES", "build_archive", "needed_modules"]

ENTRY = "qwen_infra.verification.pod"
MAX_BYTES = 700_000
"""A ConfigMap holds 1 MiB (1,048,576 bytes) in all, and base64 makes four bytes of three."""
_PACKAGE = "qwen_infra"
_START = (
    f'"""The suite of qwen-infra (docs/adr/0063)."""\n\nimport sys\n\nfrom {ENTRY} import main\n\nsys.exit(main())\n'
)
_MOMENT = (2020, 1, 1, 0, 0, 0)


@cache
def build_archive() -> bytes:
    """The archive; run it with ``python3``."""
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        texts = {_path(name): _find(name).read_text("utf-8") for name in needed_modules()}
        for path, text in sorted({**texts, "__main__.py": _START}.items()):
            entry = zipfile.ZipInfo(path, _MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, text)
    return found.getvalue()


def needed_modules() -> tuple[str, ...]:
    """Every module of this package that the program imports, packages included, sorted."""
    seen: set[str] = set()
    waiting = [ENTRY]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        waiting += [name.rpartition(".")[0]] if "." in name else []
        waiting += _imported(name)
    return tuple(sorted(seen))


def _imported(name: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(_find(name).read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == _PACKAGE)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == _PACKAGE:
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names if _exists(f"{node.module}.{alias.name}"))


def _find(name: str) -> Traversable:
    *folders, last = name.split(".")[1:] or [""]
    root = files(_PACKAGE).joinpath(*folders)
    if not last:
        return root.joinpath("__init__.py")
    folder = root.joinpath(last)
    return folder.joinpath("__init__.py") if folder.is_dir() else root.joinpath(f"{last}.py")


def _exists(name: str) -> bool:
    return _find(name).is_file()


def _path(name: str) -> str:
    folder = name.replace(".", "/")
    return f"{folder}/__init__.py" if _find(name).name == "__init__.py" else f"{folder}.py"
