"""The house rules that a reader relies on, checked on the source text of every file."""

import ast
import inspect
import re
import sys
from pathlib import Path

import pytest

from streams import errors

ROOT = Path(__file__).parents[1]
LINES_MAX = 400
FUNCTION_LINES_MAX = 60

MAY_IMPORT = {
    "clinical": {"clinical"},
    "streams": {"clinical", "streams"},
    "tables": {"clinical", "streams", "tables"},
    "agents": {"clinical", "streams", "tables", "agents"},
    "edge": {"clinical", "streams", "edge"},
    "bench": {"clinical", "streams", "tables", "agents", "edge", "bench"},
}
"""Imports go one way: data runs edge -> streams -> agents, decisions stand below all."""

PURE = {
    *("__future__", "abc", "bisect", "collections", "dataclasses", "enum", "functools", "heapq", "itertools"),
    *("math", "operator", "types", "typing", "numpy"),
}
"""All that decisions may use besides themselves: no clock, environment, file, socket, log or event loop."""

SETTINGS = "streams/config/settings.py"
COMPILED = ROOT / "clinical" / "kernels" / "compiled.py"
"""Says how kernels are compiled, and how their code is found again when one of them changes."""
WIRINGS = {"agents/wiring.py", "agents/delivery/wiring.py"}
"""One an app."""
PRODUCERS = "streams/kafka/producers.py"
PRINTING = "edge/printing.py"
PATIENT_LABELS = {"patient", "device", "bed", "patient_id", "device_id", "episode", "alert_id"}
IMPURE_CALLS = {"open", "print", "input", "np.load", "np.save", "np.random.default_rng"}
METRICS = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}


def sources(*folders):
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


# Parsed when the tests are collected: CPython 3.11's parser is not re-entrant, and a finaliser of an earlier test
# that runs in its midst makes it fail.
TREES = {
    path: ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    for path in sources(*MAY_IMPORT, "tests")
}


def tree_of(path):
    return TREES[path]


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


def test_imports_go_one_way():
    def check(path, tree):
        allowed = MAY_IMPORT[path.relative_to(ROOT).parts[0]]
        forbidden = (set(MAY_IMPORT) | {"tests", ".", "import at run time"}) - allowed
        return [(line, name) for line, name in imported(tree) if name in forbidden]

    assert len(OURS) > 10
    assert faults_in(OURS, check) == []


def test_decisions_use_nothing_but_numpy_and_pure_modules():
    def check(path, tree):
        allowed = PURE | {"clinical"} | ({"numba"} if path == COMPILED else set())
        yield from ((line, name) for line, name in imported(tree) if name not in allowed)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and dotted(node.func) in IMPURE_CALLS:
                yield node.lineno, dotted(node.func)

    assert faults_in(sources("clinical"), check) == []


def test_kernels_use_nothing_of_ours_but_kernels():
    def check(_, tree):
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and not re.match(
                r"clinical\.kernels\b|numpy|typing|collections", node.module
            ):
                yield node.lineno, node.module

    kernels = [path for path in sources("clinical/kernels") if path != COMPILED]
    assert kernels
    assert faults_in(kernels, check) == []


def test_the_standard_library_modules_that_count_as_pure_exist():
    assert PURE - {"numpy"} <= set(sys.stdlib_module_names)


def test_files_are_small():
    def check(path, _):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        return [(lines, f"more than {LINES_MAX} lines")] if lines > LINES_MAX else []

    assert faults_in(EVERY, check) == []


def test_functions_are_small():
    def check(_, tree):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = node.end_lineno - node.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    yield node.lineno, f"{node.name} has {lines} lines"

    assert faults_in(EVERY, check) == []


def test_a_file_says_in_its_first_line_what_is_inside():
    def check(_, tree):
        return [] if ast.get_docstring(tree) else [(1, "no docstring")]

    assert faults_in(OURS, check) == []


def test_only_the_wiring_file_of_an_app_makes_agents():
    def check(_, tree):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and re.fullmatch(r"(.*\.)?app\.agent", dotted(node.func)):
                yield node.lineno, "app.agent"

    assert faults_in([path for path in THE_PROGRAM if name_of(path) not in WIRINGS], check) == []


def test_only_one_file_makes_producers_of_kafka_python():
    def check(_, tree):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and dotted(node.func).endswith("KafkaProducer"):
                yield node.lineno, dotted(node.func)

    ours = [path for path in OURS if name_of(path) != PRODUCERS]
    assert [fault for fault in faults_in(ours, check) if "AIOKafkaProducer" not in fault] == []
    assert any(check(PRODUCERS, tree_of(ROOT / PRODUCERS)))


def test_only_one_file_prints_on_a_terminal_but_for_what_rich_draws():
    def check(_, tree):
        for node in ast.walk(tree):
            is_print = isinstance(node, ast.Call) and dotted(node.func) in (
                "click.echo",
                "click.secho",
                "print",
            )
            if is_print and not any(keyword.arg == "file" for keyword in node.keywords):
                yield node.lineno, dotted(node.func)

    assert faults_in([path for path in sources("edge") if name_of(path) != PRINTING], check) == []
    assert any(check(PRINTING, tree_of(ROOT / PRINTING)))


def reads_of_environment(tree):
    """Yield (line, what) of each look into the environment; handing all of it to a subprocess is none."""
    handed_on = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):  # {**os.environ, ...}
            handed_on |= {id(value) for key, value in zip(node.keys, node.values, strict=True) if key is None}
        elif isinstance(node, ast.Call) and dotted(node.func) == "dict":  # dict(os.environ, ...)
            handed_on |= {id(argument) for argument in node.args}
        elif isinstance(node, ast.Attribute) and node.attr == "copy":  # os.environ.copy()
            handed_on.add(id(node.value))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):  # os.environ | {...}
            handed_on |= {id(node.left), id(node.right)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and id(node) not in handed_on:
            if dotted(node) in ("os.environ", "os.getenv", "os.environb"):
                yield node.lineno, dotted(node)
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            names = {alias.name for alias in node.names} & {"environ", "getenv", "environb"}
            yield from ((node.lineno, name) for name in names)


def test_only_the_settings_look_into_the_environment():
    paths = [path for path in THE_PROGRAM if name_of(path) != SETTINGS]
    assert faults_in(paths, lambda _, tree: reads_of_environment(tree)) == []


@pytest.mark.parametrize(
    ("code", "reads"),
    [
        ("import os\nvalue = os.environ['X']", True),
        ("import os\nvalue = os.environ.get('X')", True),
        ("import os\nvalue = os.getenv('X')", True),
        ("import os\nfound = 'X' in os.environ", True),
        ("from os import environ", True),
        ("import os\nrun(env={**os.environ, 'X': '1'})", False),
        ("import os\nrun(env=dict(os.environ, X='1'))", False),
        ("import os\nrun(env=os.environ.copy())", False),
        ("import os\nrun(env=os.environ | {'X': '1'})", False),
    ],
)
def test_the_check_of_the_environment_tells_a_look_from_handing_on(code, reads):
    assert bool(list(reads_of_environment(ast.parse(code)))) == reads


def test_no_metric_has_a_patient_or_device_in_a_label():
    def check(_, tree):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] in METRICS:
                values = [*node.args, *(keyword.value for keyword in node.keywords)]
                lists = [value.elts for value in values if isinstance(value, ast.List | ast.Tuple)]
                labels = {
                    ast.literal_eval(item)
                    for items in lists
                    for item in items
                    if isinstance(item, ast.Constant)
                }
                yield from ((node.lineno, label) for label in labels & PATIENT_LABELS)

    assert faults_in(OURS, check) == []


def test_every_error_is_drawn_in_the_tree_with_its_parent_and_exit_code():
    drawn = re.findall(r"^ \+- (\w+) .*exit (\d+)", errors.__doc__, flags=re.MULTILINE)
    kinds = [kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, Exception)]
    assert {kind.__name__ for kind in kinds} == {"VigilError", *dict(drawn)}
    for name, exit_code in drawn:
        kind = getattr(errors, name)
        assert kind.__base__ is errors.VigilError
        assert kind.exit_code == int(exit_code)


def test_the_error_tree_grows_in_its_own_file_only():
    tree_names = {name for name, kind in vars(errors).items() if inspect.isclass(kind)}

    def check(_, tree):
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                bases = {dotted(base).split(".")[-1] for base in node.bases} & tree_names
                yield from ((node.lineno, f"{node.name}({base})") for base in bases)

    assert faults_in([path for path in OURS if name_of(path) != "streams/errors.py"], check) == []


def test_tests_use_no_mock_library():
    def check(_, tree):
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module, node.names[0].name) == ("unittest", "mock"):
                yield node.lineno, "unittest.mock"
            elif isinstance(node, ast.Import | ast.ImportFrom):
                modules = {alias.name for alias in node.names} | {getattr(node, "module", None)}
                yield from (
                    (node.lineno, name) for name in modules & {"unittest.mock", "mock", "pytest_mock"}
                )

    assert faults_in(sources("tests"), check) == []


def test_test_files_have_unique_names_and_no_packages_around_them():
    names = [path.name for path in sources("tests") if path.name != "conftest.py"]
    assert len(names) == len(set(names))
    assert "__init__.py" not in names


def test_every_make_target_that_the_documents_name_exists():
    targets = set(
        re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    for document in sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")}):
        named = set(re.findall(r"`(?:[A-Z_]+=\S+ )?make ([a-z-]+)", document.read_text(encoding="utf-8")))
        assert named <= targets, document.name
