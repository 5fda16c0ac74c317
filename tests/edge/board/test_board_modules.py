"""The pages' pure modules, run in Node, and their table of signals beside the one that decides."""

import re
import subprocess
from pathlib import Path

import pytest

from clinical.vitals import SIGNALS

HERE = Path(__file__).parent
ASSETS = HERE.parents[2] / "edge/board/assets"
TIMEOUT_S = 60


@pytest.fixture(scope="module")
def node_said(needs_node):
    run = subprocess.run(
        ["node", "--test", "--test-reporter=tap", str(HERE / "pages.test.mjs")],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return run.returncode, run.stdout + run.stderr


def test_the_pure_modules_of_the_pages_pass_their_tests_in_node(node_said):
    status, said = node_said
    assert status == 0, said[-4000:]
    assert int(re.search(r"^# pass (\d+)", said, re.MULTILINE)[1]) >= 20


def test_the_page_knows_the_signals_with_the_ages_that_decide(node_said):
    shown = re.findall(r"signal (\w+) (\d+) (true|false)", node_said[1])
    ours = [(each.name, str(each.age_s_max), str(each.periodic).lower()) for each in SIGNALS]
    assert shown == ours[: len(shown)]
    assert [name for name, _, _ in ours[len(shown) :]] == [
        "asystole", "apnoea", "vfib", "vtach", "ext_tachy", "ext_brady", "abp_disconnect",
    ]  # fmt: skip


def test_modules_are_small_and_say_in_their_first_line_what_is_inside():
    for path in sorted(ASSETS.glob("*.js")):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 400, path.name
        assert lines[0].startswith("// "), path.name


def test_no_module_parses_markup_or_runs_text():
    risky = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser"
    )
    for path in sorted(ASSETS.glob("*.js")):
        assert not risky.search(path.read_text(encoding="utf-8")), path.name


def test_the_pages_ask_no_other_host():
    for path in sorted(ASSETS.iterdir()):
        addresses = set(re.findall(r"https?://[^\s\"'`)]+", path.read_text(encoding="utf-8")))
        assert addresses <= {"http://www.w3.org/2000/svg"}, path.name
