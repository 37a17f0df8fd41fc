"""Every message that a person can meet says what would have been right, or what mends it: read from the source."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import qwen_infra
from qwen_infra.client.errors import DeadlineExceededError, EndpointError, HttpStatusError
from qwen_infra.errors import ConfigurationError, EnvironmentMissingError, QwenInfraError

PACKAGE = Path(qwen_infra.__file__).parent
PERSONAL = ("cli", "client")
"""What people call and what talks to their server: a command or a change that mends it is always named."""
TOLD_WITHIN = {
    ("planning/prediction.py", "predict_fit"): "a misfit lists the changes that would fit",
    ("settings/loading.py", "_join"): "each of the joined messages has its own",
    ("cli/download.py", "_explain"): "the downloader's messages end with what mends them",
}


def _family(root: str, sources: Mapping[str, ast.AST]) -> set[str]:
    """Names of a class and of all that are derived from it."""
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for tree in sources.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    found = {root}
    while more := {name for name, above in bases.items() if above & found} - found:
        found |= more
    return found


def _constructions(tree: ast.AST, names: set[str], function: str = "") -> Iterator[tuple[str, ast.Call]]:
    for node in ast.iter_child_nodes(tree):
        inside = node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else function
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield inside, node
        yield from _constructions(node, names, inside)


def _without(root: type[QwenInfraError], *accepted: str, below: tuple[str, ...] = ()) -> list[str]:
    """Places where an error of the family is made with none of the accepted arguments."""
    paths = sorted(PACKAGE.rglob("*.py"))
    sources = {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text("utf-8")) for path in paths}
    names = _family(root.__name__, sources) - _family(EndpointError.__name__, sources)  # which have a usual one
    return [
        f"{place}:{call.lineno} in {function}"
        for place, tree in sources.items()
        if not below or place.partition("/")[0] in below
        for function, call in _constructions(tree, names)
        if not {keyword.arg for keyword in call.keywords} & {*accepted, None} and (place, function) not in TOLD_WITHIN
    ]


def test_every_error_of_configuration_or_environment_says_what_is_expected_or_mends_it():
    assert _without(ConfigurationError, "mend", "expected") == []
    assert _without(EnvironmentMissingError, "mend", "expected") == []


def test_every_error_of_the_command_line_and_the_client_says_what_mends_it():
    assert _without(QwenInfraError, "mend", below=PERSONAL) == []


def test_the_places_that_tell_it_within_their_text_are_still_there():
    for place, function in TOLD_WITHIN:
        assert f"def {function}(" in (PACKAGE / place).read_text("utf-8"), place


def test_every_way_in_which_a_server_fails_us_has_a_remedy():
    for phase in ("connect", "first byte", "between chunks", "total"):
        assert DeadlineExceededError("slow", phase=phase).mend
    for status in (302, 400, 401, 403, 404, 422, 429, 500, 503):
        assert HttpStatusError("refused", status=status, server_message="").mend
    for kind in _subclasses(EndpointError):
        assert kind.usual_mend, kind


def _subclasses(root: type[EndpointError]) -> Iterator[type[EndpointError]]:
    yield root
    for child in root.__subclasses__():
        yield from _subclasses(child)
