"""The source text that the tests of the house rules read, and how faults in it are named."""

import ast
import functools
import gc
from pathlib import Path

ROOT = Path(__file__).parents[1]

MAY_IMPORT = {
    "clinical": {"clinical"},
    "streams": {"clinical", "streams"},
    "tables": {"clinical", "streams", "tables"},
    "agents": {"clinical", "streams", "tables", "agents"},
    "edge": {"clinical", "streams", "edge"},
    "bench": {"clinical", "streams", "tables", "agents", "edge", "bench"},
}
"""Imports go one way: data runs edge -> streams -> agents, decisions stand below all."""


def sources(*folders):
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


@functools.cache
def tree_of(path):
    """Return a file's syntax tree, parsed by whoever asks first and not by every process that collects the tests.

    CPython 3.11's parser is not re-entrant, and a finaliser of an earlier test that the garbage collector runs in
    its midst makes it fail.
    """
    gc.disable()
    try:
        return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    finally:
        gc.enable()


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def imported(tree):
    """Yield (line, first part) of every import, also those inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." if node.level else node.module.split(".")[0]
        elif isinstance(node, ast.Call) and dotted(node.func) in (
            "__import__",
            "importlib.import_module",
        ):
            yield node.lineno, "import at run time"


def dotted(node):
    """Return `os.environ` for that expression, an empty text for any that is no dotted name."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


OURS = sources(*MAY_IMPORT)
THE_PROGRAM = sources("clinical", "streams", "tables", "agents", "edge")
EVERY = [*OURS, *sources("tests")]


def faults_in(paths, check):
    """Return `path:line: what` for every (line, what) that the check finds."""
    return [f"{name_of(path)}:{line}: {what}" for path in paths for line, what in check(path, tree_of(path))]
