"""Entry of a worker process: `python -m agents`. Settings come from the environment (`VIGIL_...`)."""

import gc
import logging
import signal
import sys
from typing import Any, Final

import faust
from prometheus_client import start_http_server

from agents import preflight
from agents.canary import with_canary
from agents.watchdog import Watchdog
from agents.whereabouts import whereabouts
from agents.wiring import wire
from clinical.defaults import DEFAULT_RULES
from streams.errors import UsageError, VigilError
from streams.rules_file import load_rules
from streams.settings import load_settings

GC_ALLOCATIONS: Final = 100_000
"""Allocations between two collections of the youngest generation: some twenty blocks."""


class DrainingWorker(faust.Worker):  # type: ignore[misc]  # Faust ships no types
    """Faust's worker, whose orderly end has a bound: a thread watches it, because the event loop may be stuck."""

    def __init__(self, app: faust.App, watchdog: Watchdog) -> None:
        super().__init__(app, loglevel="WARNING", quiet=True)
        self._watchdog = watchdog
        watchdog.describe = lambda: whereabouts(self.loop)
        self.spinner = None  # it draws on stdout even when that is no terminal

    def _schedule_shutdown(self, number: Any) -> None:
        self._watchdog.draining()
        super()._schedule_shutdown(number)


def main() -> int:
    """Run one worker until it is told to stop; return its exit code."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end_before_the_start)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # what it would log, its exceptions say
    try:
        settings = load_settings()
        if not settings.bootstrap:
            raise UsageError("brokers: a worker needs VIGIL_BROKERS=host:port")
        rules = with_canary(load_rules(settings.rules) if settings.rules else DEFAULT_RULES)
        preflight.check_data_dir(settings)
        flow = wire(settings, rules)
        try:
            start_http_server(settings.metrics_port, settings.metrics_host, registry=flow.metrics.registry)
        except OSError as error:
            address = f"{settings.metrics_host}:{settings.metrics_port}"
            raise UsageError(f"metrics_port: cannot listen on {address}: {error.strerror}") from None
        preflight.check_broker(settings, _say)
    except VigilError as error:
        _say(str(error))
        return error.exit_code
    # Blocks make many short-lived tuples and few cycles: leave alone what lives since the start, look rarely.
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS, 50, 100)
    flow.watchdog.start()
    try:
        DrainingWorker(flow.app, flow.watchdog).execute_from_commandline()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    return 0


def _end_before_the_start(*_: object) -> None:
    """Leave at once: nothing has been read yet. Faust replaces this when its loop runs."""
    raise SystemExit(0)


def _say(line: str) -> None:
    print(f"vigil: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
