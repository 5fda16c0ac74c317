"""Entry of a worker process: `python -m agents`. Settings come from the environment (`VIGIL_...`)."""

import gc
import logging
import os
import signal
import sys
import time
from typing import Any, Final, NoReturn

import faust
from prometheus_client import start_http_server

from agents import preflight
from agents.canary import with_canary
from agents.metrics import OURS, SHADOWS, Metrics
from agents.rules_choice import choose, own_rules
from agents.rules_follower import LOOK_S, RulesFollower
from agents.rules_turn import RulesTurn
from agents.watchdog import Watchdog
from agents.whereabouts import whereabouts
from agents.wiring import wire
from streams.errors import UsageError, VigilError
from streams.settings import load_settings

GC_ALLOCATIONS: Final = 100_000
"""Allocations between two collections of the youngest generation: some twenty blocks."""

SHADOW_NICE: Final = 10
"""A shadow yields the processor to whoever alarms."""


class DrainingWorker(faust.Worker):  # type: ignore[misc]  # Faust ships no types
    """Faust's worker, whose orderly end has a bound: a thread watches it, because the event loop may be stuck."""

    def __init__(self, app: faust.App, watchdog: Watchdog) -> None:
        super().__init__(app, loglevel="WARNING", quiet=True)
        self._watchdog = watchdog
        watchdog.describe = lambda: whereabouts(self.loop)
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
        own, metrics = own_rules(settings), Metrics(SHADOWS if settings.shadow else OURS)
        preflight.check_data_dir(settings)
        try:
            start_http_server(settings.metrics_port, settings.metrics_host, registry=metrics.registry)
        except OSError as error:
            address = f"{settings.metrics_host}:{settings.metrics_port}"
            raise UsageError(f"metrics_port: cannot listen on {address}: {error.strerror}") from None
        preflight.check_broker(settings, _say)
        read_ms = int(time.time() * 1000)
        choice = choose(settings, own)
        turn = RulesTurn(settings.group, choice.number, read_ms)
        flow = wire(settings, with_canary(choice.rules), metrics, turn)
        follower = RulesFollower(
            settings, flow.monitor.seals, choice, own, turn, metrics, flow.owned, flow.monitor.dismiss
        )
    except VigilError as error:
        _say(str(error))
        return error.exit_code
    worker = DrainingWorker(flow.app, flow.watchdog)
    if settings.shadow:
        os.nice(SHADOW_NICE)
    else:
        flow.app.timer(LOOK_S, name="rules")(follower.look)
        follower.end = worker.end_of_itself
        follower.start()
    # Blocks make many short-lived tuples and few cycles: leave alone what lives since the start, look rarely.
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS, 50, 100)
    flow.watchdog.start()
    try:
        worker.execute_from_commandline()
    except SystemExit as stop:
        exit_code = stop.code if isinstance(stop.code, int) else 1
    if follower.is_due and exit_code == 0 and not worker.is_told_to_end:
        begin_again()
    return exit_code


def begin_again() -> NoReturn:
    """Become a worker that has just started, in this process: whoever watches over it notices nothing."""
    logging.shutdown()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _end_before_the_start(*_: object) -> None:
    """Leave at once: nothing has been read yet. Faust replaces this when its loop runs."""
    raise SystemExit(0)


def _say(line: str) -> None:
    print(f"vigil: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
