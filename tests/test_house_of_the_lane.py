"""The rules of the lane and the wiring: one seam to Faust and aiokafka, parts bound by their constructors alone."""

import ast
import re

import pytest
from foreign_privates import foreign_privates
from house_text import ROOT, THE_PROGRAM, dotted, faults_in, imported, name_of, sources, tree_of

FAUST_LANE = "streams/lane/faust_lane.py"
WIRINGS = ("agents/wiring.py", "agents/faust_worker.py", "agents/delivery/wiring.py")
"""Where parts are made and bound to each other."""
LANE = "streams/lane/"


def test_only_the_lane_makes_agents_of_faust():
    def check(_, tree):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and re.fullmatch(r"(.*\.)?app\.agent", dotted(node.func)):
                yield node.lineno, "app.agent"

    assert faults_in([path for path in THE_PROGRAM if name_of(path) != FAUST_LANE], check) == []
    assert any(check(FAUST_LANE, tree_of(ROOT / FAUST_LANE)))


def attributes_assigned(tree):
    """Yield (line, what) of each `part.name = ...`, also inside a tuple and with `setattr`."""
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            for each in ast.walk(target) if isinstance(node, ast.stmt) and target is not None else ():
                if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store):
                    yield each.lineno, f"{dotted(each)} ="
        if isinstance(node, ast.Call) and dotted(node.func) in ("setattr", "object.__setattr__"):
            yield node.lineno, "setattr"


def test_parts_are_wired_by_their_constructors_alone():
    assert faults_in([ROOT / name for name in WIRINGS], lambda _, tree: attributes_assigned(tree)) == []


@pytest.mark.parametrize(
    ("code", "is_one"),
    [
        ("lane.handover = save", True),
        ("a.on_done, b = save, 1", True),
        ("a.on_done: int = 1", True),
        ("a.count += 1", True),
        ("setattr(a, 'on_done', save)", True),
        ("on_done = a.save", False),
        ("part = Part(on_done=a.save)", False),
    ],
)
def test_the_check_of_the_wiring_tells_an_assigned_attribute_from_others(code, is_one):
    assert bool(list(attributes_assigned(ast.parse(code)))) == is_one


def test_only_one_file_names_opentelemetry_and_only_the_setting_leads_there():
    """Nobody else imports it, nor that file but inside the function that looks at the setting."""

    def names_it(_, tree):
        return [(line, name) for line, name in imported(tree) if name == "opentelemetry"]

    def leads_there(_, tree):
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "agents.open_telemetry":
                yield node.lineno, node.module

    adapter, chooser = ROOT / "agents/open_telemetry.py", ROOT / "agents/traces.py"
    assert faults_in([path for path in THE_PROGRAM if path != adapter], names_it) == []
    assert any(names_it(adapter, tree_of(adapter)))
    assert faults_in([path for path in THE_PROGRAM if path != chooser], leads_there) == []
    at_the_top = [node for node in tree_of(chooser).body if isinstance(node, ast.ImportFrom)]
    assert all(node.module != "agents.open_telemetry" for node in at_the_top)


def test_agents_know_nothing_of_faust_s_consumer():
    def check(_, tree):
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr == "consumer":
                yield node.lineno, dotted(node)

    assert faults_in([*sources("agents"), *sources("tables")], check) == []


PAHO_SEAM = "edge/gateway/mqtt/paho_seam.py"


def test_what_is_private_to_a_library_is_named_in_the_lane_only_and_paho_s_in_one_file():
    paths = [path for path in THE_PROGRAM if not name_of(path).startswith((LANE, PAHO_SEAM))]
    assert faults_in(paths, lambda path, _: foreign_privates(path, tree_of, ROOT)) == []
    assert any(any(foreign_privates(path, tree_of, ROOT)) for path in sources(LANE))


@pytest.mark.parametrize(
    ("code", "is_foreign"),
    [
        ("consumer._fetcher.start()", True),
        ("class Consumer(Base):\n    def go(self):\n        self._fetcher.start()", True),
        ("class Consumer(Base):\n    def go(self):\n        super()._fetch()", True),
        ("class Own:\n    def go(self, other):\n        self._since = other._since", False),
        ("class Own:\n    def _go(self):\n        self._go()", False),
        ("found = progress._replace(end=1)", False),
        ("sys._current_frames()", False),
        ("self.__class__", False),
    ],
)
def test_the_check_of_private_names_tells_foreign_ones_from_a_file_s_own(code, is_foreign):
    path = ROOT / "streams/some.py"
    assert any(foreign_privates(path, lambda _: ast.parse(code), ROOT)) == is_foreign
