"""The downloader as one file: the package's modules one after the other, without their imports of each other.

Nothing is rewritten: the text of each definition is the module's own, so a line of the file is found again here. Names
must therefore be unique over all modules, which is checked.
"""

import ast
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

__all__ = ["MODULES", "bundle_downloader"]

MODULES = (
    "exits",
    "order",
    "digests",
    "retrying",
    "hub",
    "connections",
    "partial",
    "manifest",
    "ownership",
    "progress",
    "storage_errors",
    "kernels_folder",
    "adopting",
    "fetching",
    "store",
    "workers",
    "job",
    "__main__",
)
"""In the order in which they may use each other."""
_PACKAGE = "qwen_infra.download"
_HEADER = '''"""qwen-infra's downloader, made of the package qwen_infra.download (docs/adr/0030). Do not edit it.

{usage}"""
'''


@cache
def bundle_downloader() -> str:
    """The text of the file. Raises ValueError when two modules define the same name."""
    imports: set[str] = set()
    bodies: list[str] = []
    owners: dict[str, str] = {}
    usage = ""
    for module in MODULES:
        text = files(_PACKAGE).joinpath(f"{module}.py").read_text("utf-8")
        tree = ast.parse(text)
        usage = ast.get_docstring(tree) or ""
        for name in _defined_names(tree):
            if name in owners:
                message = f"{name} is defined in {owners[name]} and in {module}: one file can hold only one of them"
                raise ValueError(message)
            owners[name] = module
        imports |= {ast.unparse(node) for node in tree.body if _is_import(node) and not _is_own(node)}
        bodies.append(f"# ---- {module} ----\n\n{_body(text, tree)}\n")
    return _HEADER.format(usage=usage) + "\n" + "\n".join(sorted(imports)) + "\n\n\n" + "\n\n".join(bodies)


def _body(text: str, tree: ast.Module) -> str:
    """The module's text without its docstring, its imports and ``__all__``; a comment before a statement stays."""
    lines = text.splitlines()
    dropped: set[int] = set()
    for index, node in enumerate(tree.body):
        is_docstring = index == 0 and isinstance(node, ast.Expr)
        if is_docstring or _is_import(node) or "__all__" in _targets(node):
            dropped |= set(range(node.lineno - 1, (node.end_lineno or node.lineno)))
    return "\n".join(line for number, line in enumerate(lines) if number not in dropped).strip("\n")


def _defined_names(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        yield from (name for name in _targets(node) if name != "__all__")


def _targets(node: ast.stmt) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [
        name.id
        for target in targets
        for name in (target.elts if isinstance(target, ast.Tuple) else [target])
        if isinstance(name, ast.Name)
    ]


def _is_import(node: ast.stmt) -> bool:
    """A plain import, or the block of those that only a type checker reads."""
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    return isinstance(node, ast.Import | ast.ImportFrom)


def _is_own(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) or (isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_PACKAGE))
