"""An event loop without a wire or a real clock: time stands still until somebody advances it."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class _NoWire:
    """Stands in for the selector: nothing ever arrives, and nobody waits."""

    def __init__(self, loop: "SimulatedLoop") -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("the simulation waits for something that will never happen")
        self._loop.advance(timeout)
        return []

    def close(self) -> None:
        return


class SimulatedLoop(asyncio.BaseEventLoop):
    """Runs what is ready in the order in which it became ready; an idle loop jumps to its next timer."""

    def __init__(self) -> None:
        super().__init__()
        self._now_s = 0.0
        self._selector = _NoWire(self)

    def time(self) -> float:
        """Return the simulated time, s."""
        return self._now_s

    def advance(self, seconds: float) -> None:
        """Let time pass at once."""
        self._now_s += seconds

    def _process_events(self, event_list: list[Any]) -> None:
        return

    def _write_to_self(self) -> None:
        return


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine on a loop of its own; what it leaves behind is cancelled."""
    loop = SimulatedLoop()
    loop.set_exception_handler(lambda loop, context: None)  # a worker that dies leaves futures nobody reads
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(main)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        asyncio.set_event_loop(None)
        loop.close()


def run_now(work: Coroutine[Any, Any, Any]) -> None:
    """Run a coroutine that waits for nothing but its turn to its end, here and now."""
    try:
        while True:
            work.send(None)
    except StopIteration:
        return
