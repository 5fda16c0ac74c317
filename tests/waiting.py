"""Waiting in a test: for a condition, never longer than a deadline, and with a word for what did not come."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

DEADLINE_S = 10.0
POLL_S = 0.02


def wait_until(
    condition: Callable[[], T], what: str, deadline_s: float = DEADLINE_S, poll_s: float = POLL_S
) -> T:
    """Return what the condition gives as soon as that counts as true; fail with what was waited for."""
    end_s = time.monotonic() + deadline_s
    while not (found := condition()):
        assert time.monotonic() < end_s, f"waited {deadline_s:g} s for: {what}"
        time.sleep(poll_s)
    return found
