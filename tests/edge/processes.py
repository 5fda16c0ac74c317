"""Child processes in the edge's tests: programs as text, and waiting for what they do."""

import sys
import textwrap
import time

DEADLINE_S = 15.0


def command(code):
    return [sys.executable, "-c", textwrap.dedent(code)]


def wait_until(condition, what):
    deadline_s = time.monotonic() + DEADLINE_S
    while not (found := condition()):
        assert time.monotonic() < deadline_s, f"waited {DEADLINE_S} s for: {what}"
        time.sleep(0.02)
    return found
