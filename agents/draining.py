"""Running a Faust app as a process: signals, metrics, an end in order, and an exit code."""

import gc
import logging
import signal
import sys
from typing import Any, Final

import faust
from aiokafka.errors import KafkaConnectionError

from agents.health.stacks import whereabouts
from agents.health.watchdog import Watchdog
from streams.errors import BrokerUnreachable

GC_ALLOCATIONS: Final = 100_000
"""Allocations between two collections of the youngest generation: some twenty blocks."""

SWITCH_S: Final = 0.0005
"""How long a thread that follows rules or layout may keep the interpreter while readings wait: Python's 5 ms, several
times a second, are longer than all that an alert needs."""


def begin() -> None:
    """Prepare the process: until its loop runs it ends at once when told to, and logs what matters."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end_before_the_start)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # what it would log, its exceptions say


def run(worker: "DrainingWorker", watchdog: Watchdog) -> int:
    """Run the worker's app until it is told to stop; return the process's exit code.

    The watchdog is not stopped: it also bounds how long the process waits for its threads once its code is known.
    """
    # Blocks make many short-lived tuples and few cycles: leave alone what lives since the start, look rarely.
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS, 50, 100)
    sys.setswitchinterval(SWITCH_S)
    watchdog.start(lambda: whereabouts(worker.loop))
    try:
        worker.execute_from_commandline()
    except SystemExit as stop:
        if isinstance(stop.__context__, KafkaConnectionError):  # it answered a moment ago, before Faust began
            say(f"no broker answers: {stop.__context__}")
            return BrokerUnreachable.exit_code
        return stop.code if isinstance(stop.code, int) else 1
    return 0


class DrainingWorker(faust.Worker):  # type: ignore[misc]  # Faust ships no types
    """Faust's worker, whose orderly end has a bound: a thread watches it, because the event loop may be stuck."""

    def __init__(self, app: faust.App, watchdog: Watchdog) -> None:
        super().__init__(app, loglevel="WARNING", quiet=True)
        self._watchdog = watchdog
        self.spinner = None  # it draws on stdout even when that is no terminal

    is_told_to_end = False
    """Whether somebody outside wants it to end, and not only to begin again."""

    def end_of_itself(self) -> None:
        """End in order, for a reason of its own; in its event loop."""
        self._watchdog.draining()
        super()._schedule_shutdown(signal.SIGTERM)

    def _schedule_shutdown(self, number: Any) -> None:
        self.is_told_to_end = True
        self._watchdog.draining()
        super()._schedule_shutdown(number)


def _end_before_the_start(*_: object) -> None:
    """Leave at once: nothing has been read yet. Faust replaces this when its loop runs."""
    raise SystemExit(0)


def say(line: str) -> None:
    """Say one line on standard error."""
    print(f"vigil: {line}", file=sys.stderr, flush=True)
