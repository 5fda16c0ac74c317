"""Entry of a worker process: `python -m agents`. Settings come from the environment (`VIGIL_...`)."""

import gc
import logging
import sys
from typing import Final

import faust
from prometheus_client import start_http_server

from agents.wiring import wire
from clinical.defaults import DEFAULT_RULES
from streams.connect import connect_admin
from streams.errors import UsageError, VigilError
from streams.rules_file import load_rules
from streams.settings import Settings, load_settings

GC_ALLOCATIONS: Final = 100_000
"""Allocations between two collections of the youngest generation: some twenty blocks."""


def main() -> int:
    """Run one worker until it is told to stop; return its exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        settings = load_settings()
        if not settings.bootstrap:
            raise UsageError("brokers: a worker needs VIGIL_BROKERS=host:port")
        rules = load_rules(settings.rules) if settings.rules else DEFAULT_RULES
        _make_data_dir(settings)
        flow = wire(settings, rules)
        try:
            start_http_server(settings.metrics_port, settings.metrics_host, registry=flow.metrics.registry)
        except OSError as error:
            address = f"{settings.metrics_host}:{settings.metrics_port}"
            raise UsageError(f"metrics_port: cannot listen on {address}: {error.strerror}") from None
        connect_admin(settings).close()  # Faust would meet a missing broker with pages of traces
    except VigilError as error:
        print(f"vigil: {error}", file=sys.stderr)
        return error.exit_code
    # Blocks make many short-lived tuples and few cycles: leave alone what lives since the start, look rarely.
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS, 50, 100)
    flow.watchdog.start()
    worker = faust.Worker(flow.app, loglevel="WARNING", quiet=True)
    worker.spinner = None  # it draws on stdout even when that is no terminal
    try:
        worker.execute_from_commandline()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    return 0


def _make_data_dir(settings: Settings) -> None:
    try:
        (settings.data_dir / settings.group).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"data_dir: cannot write {settings.data_dir}: {error.strerror}") from None


if __name__ == "__main__":
    sys.exit(main())
