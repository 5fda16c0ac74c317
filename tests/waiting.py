"""Waiting in a test: for a condition, never longer than a deadline, and with a word for what did not come."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

DEADLINE_S = 60.0
"""Far beyond what any of it takes, so that a busy machine fails nothing."""

POLL_S = 0.02


def wait_until(condition: Callable[[], T], what: str) -> T:
    """Return what the condition gives as soon as that counts as true; fail with what was waited for."""
    end_s = time.monotonic() + DEADLINE_S
    while not (found := condition()):
        assert time.monotonic() < end_s, f"waited {DEADLINE_S:g} s for: {what}"
        time.sleep(POLL_S)
    return found
