"""The table of deviations: it names all that is done otherwise than Faust, mode and aiokafka do, and nothing else."""

import ast
import importlib
import re
from functools import cache
from pathlib import Path

import pytest
from foreign_privates import foreign_privates, overridden_privates

from streams.lane import seam
from streams.lane.seam import CORRECTNESS, DEVIATIONS, NONE_FILED

ROOT = Path(__file__).parents[2]
LANE = sorted((ROOT / "streams/lane").glob("*.py"))


@cache
def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


FOREIGN = ("faust", "mode", "aiokafka")


def touched(file):
    """Return what a file of the lane names that is private to what is below it, or overrides of it."""
    path = ROOT / file
    named = {expression.rpartition(".")[2] for _, expression in foreign_privates(path, tree_of, ROOT)}
    module = importlib.import_module(file.removesuffix(".py").replace("/", "."))
    return named | overridden_privates(module, FOREIGN)


def mentioned(file):
    """Return every private name behind a dot in a file of the lane, its own ones too, and overrides."""
    return touched(file) | {
        node.attr for node in ast.walk(tree_of(ROOT / file)) if isinstance(node, ast.Attribute)
    }


def rows_of(file):
    return [row for row in DEVIATIONS if file in row.files]


@pytest.mark.parametrize("row", DEVIATIONS, ids=lambda row: row.name)
def test_each_deviation_says_everything_about_itself(row):
    for said in (row.what, row.why, row.gain, row.remove_when):
        assert said == said.strip()
        assert said
    assert set(row.of.split(", ")) <= {"Faust", "mode", "aiokafka"}
    assert row.gain == CORRECTNESS or re.search(r"\d|third", row.gain)
    assert row.upstream == NONE_FILED or re.match(r"[\w-]+/[\w-]+#\d+", row.upstream)
    assert all((ROOT / file).is_file() for file in row.files)


@pytest.mark.parametrize("row", DEVIATIONS, ids=lambda row: row.name)
def test_each_deviation_is_held_by_a_test(row):
    path, _, function = row.test.partition("::")
    assert f"\ndef {function}(" in (ROOT / path).read_text(encoding="utf-8")


def test_no_two_deviations_have_one_name():
    names = [row.name for row in DEVIATIONS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("file", [path.relative_to(ROOT).as_posix() for path in LANE])
def test_what_is_private_to_the_libraries_below_is_named_in_the_table_by_file(file):
    known = {name for row in rows_of(file) for name in row.touches}
    assert touched(file) - known == set()


@pytest.mark.parametrize("row", DEVIATIONS, ids=lambda row: row.name)
def test_the_table_names_nothing_that_is_touched_no_more(row):
    of_lane = [file for file in row.files if file.startswith("streams/lane/")]
    assert set(row.touches) <= set[str]().union(*map(mentioned, of_lane))


def test_only_the_seam_installs_what_changes_the_process_or_a_client():
    installers = ("gather_large_responses(", "check_in_hardware(", "ask_for_committed(", ".keep_out(")
    for path in (ROOT / "streams").rglob("*.py"):
        text = re.sub(r"^\s*def .*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        called = [name for name in installers if name in text]
        assert called == [] or path.name == "seam.py", path.name
    assert all(name in Path(seam.__file__).read_text(encoding="utf-8") for name in installers)
