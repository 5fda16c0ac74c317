"""Processes of a Python peer: SIGTERM ends all, one that ends takes the others along, none outlives its parent."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.peers.defaults import LIMITS, NEWS2
from bench.peers.spec import Spec

ROOT = Path(__file__).parents[2]
WAIT_S = 30.0
PROGRAM = """
import threading
from bench.peers.processes import main

def work(spec, index):
    print(index, flush=True)
    if spec.group == "ends" and index == 1:
        return
    threading.Event().wait()

if __name__ == "__main__":
    main(work)
"""


@pytest.fixture
def start(tmp_path):
    started = []

    def run(group):
        (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
        spec = Spec("localhost:1", "readings", "alerts", group, 8, str(tmp_path), 2, LIMITS, NEWS2)
        spec.save(tmp_path / "SPEC.json")
        command = [sys.executable, str(tmp_path / "program.py"), str(tmp_path / "SPEC.json")]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(command, env={"PYTHONPATH": str(ROOT)}, text=True, **pipes)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def indices(process):
    """Wait until both processes have said their number."""
    return sorted(process.stdout.readline().strip() for _ in range(2))


def test_sigterm_ends_all_of_them_in_order(start):
    process = start("works")
    assert indices(process) == ["0", "1"]
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=WAIT_S)
    assert (process.returncode, said) == (0, "")


def test_one_that_ends_by_itself_takes_the_others_along(start):
    process = start("ends")
    _, said = process.communicate(timeout=WAIT_S)
    assert process.returncode == 1
    assert "one of 2 processes ended by itself" in said


def test_none_outlives_a_parent_that_was_killed(start):
    process = start("works")
    assert indices(process) == ["0", "1"]
    process.kill()
    process.communicate(timeout=WAIT_S)  # returns when nobody holds the pipes any more
