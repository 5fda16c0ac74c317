"""The rules of the judge's room: pure with all that it imports, few parameters, a test of each module's name."""

import ast
import re
from pathlib import Path

import pytest

from tables.columns.shared_rows import Columns

ROOT = Path(__file__).parents[1]
OURS = ("clinical", "streams", "tables", "agents")
LIBRARIES = {"numpy", "pydantic", "msgspec", "numba"}
RESERVES = {"tables/reserved.py imports mmap"}
"""For memory that nothing of the outside lies in."""

PARAMETERS_MAX = 6
STANDARD = {
    *("collections", "dataclasses", "enum", "functools", "hashlib", "hmac", "itertools", "math", "operator"),
    *("re", "struct", "sys", "typing", "zlib"),
}
"""Nothing that waits, reads a clock, an environment, a file or a socket, or writes a log."""


def modules_of(folder):
    return sorted(path for path in (ROOT / folder).glob("*.py") if path.name != "__init__.py")


def imported(path):
    """Yield the dotted names that a file imports, and of `from a import b` both `a` and `a.b`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def file_of(module):
    """Return the file of one of our modules, None for anything else that was imported."""
    path = ROOT.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.exists()), None)


def closure(paths):
    """Return all our files that these files import, directly or not, these included."""
    found, waiting = set(), list(paths)
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            ours = (name for name in imported(path) if name.split(".")[0] in OURS)
            waiting += [file for file in map(file_of, ours) if file is not None]
    return found


def test_the_judge_and_all_that_it_imports_wait_for_nothing_and_see_nothing_of_the_outside():
    foreign = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in closure(modules_of("agents/judging"))
        for name in imported(path)
        if name.split(".")[0] not in {*OURS, *LIBRARIES, *STANDARD}
    }
    assert foreign == RESERVES


def test_the_closure_reaches_what_is_imported_by_what_is_imported():
    reached = {path.relative_to(ROOT).as_posix() for path in closure([ROOT / "agents/judging/judge.py"])}
    assert {"clinical/limits.py", "streams/decoding/decoded.py", "tables/device_rows.py"} <= reached


def test_no_function_of_the_judge_takes_more_than_six_parameters():
    def count(function):
        arguments = function.args
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        return len([one for one in named if one.arg not in ("self", "cls")])

    trains = {
        f"{path.name}:{node.lineno} {node.name}"
        for path in modules_of("agents/judging")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and count(node) > PARAMETERS_MAX
    }
    assert trains == set()


@pytest.mark.parametrize("folder", ["agents/judging", "tables"])
def test_every_module_has_a_test_of_its_name(folder):
    tests = ROOT / "tests" / folder.split("/")[0]
    assert [path.stem for path in modules_of(folder) if not (tests / f"test_{path.name}").exists()] == []


def columns_written(path):
    """Yield the names of columns that a module of the judge assigns to: `table.NAME[...] = ...`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            for one in target.elts if isinstance(target, ast.Tuple) else [target]:
                if isinstance(one, ast.Subscript) and isinstance(one.value, ast.Attribute):
                    owner = one.value.value
                    yield "" if isinstance(owner, ast.Name) and owner.id == "devices" else one.value.attr


@pytest.mark.parametrize("family", Columns.__bases__, ids=lambda family: family.__name__)
def test_a_family_of_columns_is_written_only_by_the_modules_that_it_names(family):
    named = set(re.findall(r"`agents\.judging\.(\w+)`", family.__doc__))
    columns = set(family.__annotations__) - {"dirty"}  # set by whoever writes any other
    writers = {path.stem for path in modules_of("agents/judging") if columns & set(columns_written(path))}
    assert writers == named
