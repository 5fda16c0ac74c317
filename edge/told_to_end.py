"""Being told to end: the signals that ask a command to, and what its threads wait on meanwhile."""

import queue
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

NUMBERS: Final = (signal.SIGINT, signal.SIGTERM)


class Told(threading.Event):
    """An event that the handler of a signal may set; it cannot be cleared.

    A handler runs between two steps of the main thread, which may be in the midst of `wait`. There `threading.Event`
    holds a lock that its `set` takes as well, and the process waits for itself for ever (CPython 3.11). The put of a
    `SimpleQueue` may be called at any moment.
    """

    def __init__(self) -> None:
        super().__init__()
        self._is_told = False
        self._tokens: queue.SimpleQueue[None] = queue.SimpleQueue()

    def is_set(self) -> bool:
        """Return whether it was said."""
        return self._is_told

    def set(self) -> None:
        """Say it; from any thread, or a signal's handler."""
        self._is_told = True
        self._tokens.put(None)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is said, for `timeout` seconds at most; return whether it was."""
        if not self._is_told:
            try:
                self._tokens.get(timeout=timeout)
            except queue.Empty:
                return self._is_told
            self._tokens.put(None)  # for the next who waits
        return True

    def clear(self) -> None:
        """Refuse: who was told to end ends.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError("what was told to end cannot be told to go on")


@contextmanager
def told_to_end() -> Iterator[Told]:
    """Give what SIGINT and SIGTERM set while the block lasts; to be used in the main thread."""
    told = Told()
    before = [signal.signal(number, lambda *_: told.set()) for number in NUMBERS]
    try:
        yield told
    finally:
        for number, handler in zip(NUMBERS, before, strict=True):
            signal.signal(number, handler)
