"""What a client of the lane asks the broker for with its fetches: committed records, and a short wait for the first.

Faust fixes both: it asks for what is committed only where it has transactions of its own, and has the broker hold an
empty fetch for 1.5 s. What this relies on in faust-streaming 0.15.3 is held by tests/streams/test_fetch_requests.py.
"""

from typing import Any


def ask_for_committed(consumer: Any, wait_ms: int) -> None:
    """Have an aiokafka consumer that has not started read what is committed, and wait for so long at the broker."""
    consumer._isolation_level = "read_committed"
    consumer._fetch_max_wait_ms = wait_ms


def hold_empty_fetches(consumer: Any, wait_ms: int) -> None:
    """Have the broker hold the next fetches of a consumer that has started for so long while they are empty."""
    consumer._fetcher._fetch_max_wait_ms = wait_ms
