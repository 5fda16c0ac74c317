"""Child processes in the edge's tests: programs as text, and waiting for what they do."""

import sys
import textwrap
from functools import partial

import waiting

DEADLINE_S = 15.0

wait_until = partial(waiting.wait_until, deadline_s=DEADLINE_S)


def command(code):
    return [sys.executable, "-c", textwrap.dedent(code)]
