"""A gateway of its own for a measurement: its process, its metrics, and waiting for what they should say."""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from edge.brokers.tether import spawn, stop
from edge.metrics_scrape import scrape
from edge.workers import worker_environment
from streams.config.settings import Settings

WAIT_S_MAX: Final = 60.0
LOOK_S: Final = 0.05
STOP_S_MAX: Final = 20.0


@contextmanager
def running(settings: Settings, protocol: str, clients: int) -> Iterator[int]:
    """Run a gateway while the block lasts, and give its process once it is connected to so many.

    Raises:
        TimeoutError: it is not in time.
    """
    with tempfile.TemporaryFile() as log:
        gateway = spawn([sys.executable, "-P", "-m", "edge", "gateway"], log, worker_environment(settings))
        try:
            if clients:
                wait(lambda: metric(settings, protocol, "vigil_gateway_clients") >= clients, protocol)
            else:
                wait(lambda: _is_up(settings), protocol)
            yield gateway.pid
        finally:
            stop(gateway, STOP_S_MAX)


def accepted(settings: Settings, protocol: str) -> float:
    """Return how many readings of a protocol Kafka has."""
    return metric(settings, protocol, "vigil_gateway_accepted_total")


def metric(settings: Settings, protocol: str, name: str) -> float:
    """Return the sum of a protocol's metric, 0 where it cannot be read."""
    found = scrape(f"http://127.0.0.1:{settings.gateway_metrics_port}/metrics")
    return sum(
        value
        for (sample, labels), value in (found.samples.items() if found else ())
        if sample == name and ("protocol", protocol) in labels
    )


def _is_up(settings: Settings) -> bool:
    found = scrape(f"http://127.0.0.1:{settings.gateway_metrics_port}/metrics")
    return found is not None and found.value("vigil_gateway_kafka_takes") == 1


def wait(condition: Callable[[], bool], what: str) -> None:
    """Wait until it holds.

    Raises:
        TimeoutError: not within `WAIT_S_MAX`.
    """
    until_s = time.monotonic() + WAIT_S_MAX
    while not condition():
        if time.monotonic() > until_s:
            raise TimeoutError(f"{what}: what was sent did not arrive")
        time.sleep(LOOK_S)
