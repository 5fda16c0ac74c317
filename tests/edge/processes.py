"""Child processes in the edge's tests: programs as text."""

import sys
import textwrap


def command(code):
    return [sys.executable, "-c", textwrap.dedent(code)]
