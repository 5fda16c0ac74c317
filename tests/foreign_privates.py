"""Where source text names what is private to somebody else's code, for the tests that hold the one seam."""

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

DOCUMENTED = {
    "sys._current_frames": "documented in the standard library, its only way to the stacks of all threads",
    "os._exit": "documented in the standard library, its only way out that waits for nothing",
}
"""Names with an underscore that are no secrets of anybody, and why they are used."""

NAMED_TUPLES = {"_replace", "_asdict", "_fields"}
"""Documented methods of `collections.namedtuple`; the underscore keeps them apart from its fields."""


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


@cache
def defined_in(tree: ast.AST) -> set[str]:
    """Return the private names that a file makes: functions, classes, variables, attributes of `self`, slots."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_own(node.value):
            names.add(node.attr)
    return {name for name in names if is_private(name)}


def is_own(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and value.id in ("self", "cls")


def foreign_privates(path: Path, tree_of: Callable[[Path], ast.AST], root: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, expression) of each private attribute that is not the file's own.

    Of `self`, `cls` and `super()` it may also be made in a file of ours that this one imports from: a base class.
    """
    tree = tree_of(path)
    here = defined_in(tree)
    inherited = here.union(
        *(defined_in(tree_of(base)) for base in imported_files(tree, root) if base.exists())
    )
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or not is_private(node.attr):
            continue
        is_documented = ast.unparse(node) in DOCUMENTED or node.attr in NAMED_TUPLES
        is_of_self = is_own(node.value) or ast.unparse(node.value) == "super()"
        if not is_documented and node.attr not in (inherited if is_of_self else here):
            yield node.lineno, ast.unparse(node)


def imported_files(tree: ast.AST, root: Path) -> Iterator[Path]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield (root / node.module.replace(".", "/")).with_suffix(".py")


def is_method(kind: type, name: str) -> bool:
    return is_private(name) and callable(vars(kind)[name])


def overridden_privates(module: object, foreign: tuple[str, ...]) -> set[str]:
    """Return the private methods of a module's classes that a base class of the packages `foreign` has, too."""
    found = set()
    for kind in vars(module).values():
        if not isinstance(kind, type) or kind.__module__ != module.__name__:
            continue
        for base in kind.__mro__[1:]:
            if base.__module__.split(".")[0] in foreign:
                found |= {name for name in vars(kind) if is_method(kind, name) and name in vars(base)}
    return found
