"""Being told to end: at any moment, by a signal too, and by as many as like."""

import ast
import os
import signal
import sys
import threading

import pytest

from edge.project import ROOT
from edge.told_to_end import Told, told_to_end

DEADLINE_S = 5.0
BRIEFLY_S = 0.001
FOLDERS = ("edge", "agents", "streams", "bench")


def interrupted(told, at_step):
    """Wait a moment, and be told after so many lines of the wait, as by a signal's handler; return whether so far."""
    steps = [0]

    def handler(frame, event, argument):
        steps[0] += event == "line"
        if steps[0] == at_step and event == "line":
            sys.settrace(None)
            told.set()
            return None
        return handler

    sys.settrace(handler)
    try:
        told.wait(BRIEFLY_S)
    finally:
        sys.settrace(None)
    return steps[0] >= at_step


def steps_of(make):
    """Return how many lines a wait has, each of which was the moment of the telling; None = it hung."""
    done = []

    def run():
        at_step = 1
        while interrupted(make(), at_step):
            at_step += 1
        done.append(at_step - 1)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(DEADLINE_S)
    return done[0] if done else None


def test_it_can_be_said_at_every_step_of_a_wait():
    assert steps_of(Told) > 2


def test_the_event_of_the_library_hangs_when_its_own_wait_is_interrupted_so():
    """If this fails, `Told` has nothing left to do."""
    assert steps_of(threading.Event) is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_says_it_and_the_handlers_before_come_back(number):
    before = signal.getsignal(number)
    with told_to_end() as told:
        assert not told.is_set()
        os.kill(os.getpid(), number)
        assert told.wait(DEADLINE_S)
    assert signal.getsignal(number) == before


def test_all_who_wait_hear_it_and_who_comes_later_too():
    told, heard = Told(), []
    waiting = [threading.Thread(target=lambda: heard.append(told.wait(DEADLINE_S))) for _ in range(4)]
    for thread in waiting:
        thread.start()
    told.set()
    for thread in waiting:
        thread.join(DEADLINE_S)
    assert heard == [True] * 4
    assert told.wait(0)
    with pytest.raises(RuntimeError, match="cannot be told to go on"):
        told.clear()


def test_it_waits_no_longer_than_asked():
    told = Told()
    assert not told.wait(BRIEFLY_S)
    assert not told.is_set()


def test_no_handler_of_a_signal_sets_an_event_of_the_library():
    """A handler is a lambda or a function that says `NAME.set()`, in a file that has `signal.signal`."""
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text()
            if "signal.signal(" not in text:
                continue
            made = {
                target.id
                for node in ast.walk(ast.parse(text))
                if isinstance(node, ast.Assign) and "Event()" in ast.unparse(node.value)
                for target in node.targets
                if isinstance(target, ast.Name)
            }
            assert not {name for name in made if f"{name}.set()" in text and f"{name}.wait(" in text}, path
