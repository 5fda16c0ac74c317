"""Several workers under one supervisor, for a machine with several cores: one process per core.

Elsewhere an orchestrator does this: one worker per container, `vigil worker` without `--workers`.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Final

from edge.brokers.embedded import free_port
from edge.workers import WorkerPool
from streams.config.settings import Settings
from streams.errors import UsageError, VigilError

DRAIN_WAIT_S: Final = 30.0
"""Between the request to end and the kill. A worker drains in seconds and forces itself out before this."""

PORT_MAX: Final = 65_535
_POLL_S: Final = 0.1


def supervise(
    settings: Settings,
    count: int,
    stop: threading.Event,
    say: Callable[[str], None],
    command: Sequence[str] | None = None,
) -> None:
    """Run `count` workers until `stop` is set, then drain all of them at once.

    Args:
        settings: of every worker; the metrics' ports are counted from `metrics_port`, or any free ones if it is 0.
        count: how many workers.
        stop: set when the workers are to end.
        say: told in one line where the metrics are and what becomes of the workers.
        command: replaces the worker's program (for tests).

    Raises:
        UsageError: there are not so many ports, or a worker refuses its settings.
        BrokerUnreachable: a worker that started for the first time found no broker.
        BadData: a worker met data that it cannot read.
        VigilError: a worker kept dying, or did not drain in time.
    """
    pool = WorkerPool(
        settings,
        count,
        verbose=True,
        command=command,
        ports=_ports(settings.metrics_port, count),
        term_wait_s=DRAIN_WAIT_S,
        say=say,
    )
    with pool:
        for place, worker in enumerate(pool.workers):
            say(f"worker {place}: {worker.metrics_url}")
        while not stop.wait(_POLL_S) and pool.failure is None:
            pass
        say(f"draining {len(pool.pids)} workers")
    if pool.failure is not None:
        raise pool.failure
    if pool.not_drained:
        codes = ", ".join(str(code) for code in pool.not_drained)
        raise VigilError(f"{len(pool.not_drained)} of {count} workers did not drain, exit codes: {codes}")


def _ports(first: int, count: int) -> list[int]:
    if first == 0:
        return [free_port() for _ in range(count)]
    if first + count - 1 > PORT_MAX:
        raise UsageError(f"metrics_port: {count} workers need ports up to {first + count - 1}")
    return list(range(first, first + count))
