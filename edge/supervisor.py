"""Workers under a parent that sees them die: one that is not started again, or several, one for each core, that are.

Elsewhere an orchestrator starts a worker again: one per container, `vigil worker` without `--workers`. It sees that one
ended, but not that its patients wait for its group to notice, so that one has a parent here too.
"""

import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Final

from edge.brokers.embedded import free_port
from edge.brokers.tether import spawn, stop
from edge.departures import Departures, new_client_id
from edge.options import with_changes
from edge.workers import WorkerPool, worker_command, worker_environment
from streams.config.settings import Settings
from streams.errors import UsageError, VigilError
from streams.kafka.layout_log import laid_out

DRAIN_WAIT_S: Final = 30.0
"""Between the request to end and the kill. A worker drains in seconds and forces itself out before this."""

PORT_MAX: Final = 65_535
BY_SIGNAL: Final = 128
"""Plus the signal's number: how a shell tells that a program was ended by a signal."""

_POLL_S: Final = 0.05


def attend(
    settings: Settings,
    ending: threading.Event,
    say: Callable[[str], None],
    command: Sequence[str] | None = None,
) -> int:
    """Run one worker until it ends or `ending` is set; return its exit code, `BY_SIGNAL` + n if signal n ended it.

    It is not started again: who started this process is told by the same code.

    Args:
        settings: of the worker.
        ending: set when it is to drain.
        say: told in one line when the group has dropped a worker that died.
        command: replaces the worker's program (for tests).
    """
    client_id = new_client_id()
    environment = worker_environment(with_changes(settings, client_id=client_id))
    process = spawn(command or worker_command(), sys.stderr.fileno(), environment)
    while process.poll() is None and not ending.wait(_POLL_S):
        pass
    exit_code = stop(process, DRAIN_WAIT_S)
    if ending.is_set() and exit_code == -signal.SIGTERM:
        return 0  # it had not begun yet, and holds nothing to hand over
    departures = Departures(settings, say, laid_out)
    departures.ended("the worker", client_id, exit_code)
    departures.wait()
    return exit_code if exit_code >= 0 else BY_SIGNAL - exit_code


def supervise(
    settings: Settings,
    count: int,
    ending: threading.Event,
    say: Callable[[str], None],
    command: Sequence[str] | None = None,
) -> None:
    """Run `count` workers until `ending` is set, then drain all of them at once.

    Args:
        settings: of every worker; the metrics' ports are counted from `metrics_port`, or any free ones if it is 0.
        count: how many workers.
        ending: set when the workers are to end.
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
        departures=Departures(settings, say, laid_out),
    )
    with pool:
        for place, worker in enumerate(pool.workers):
            say(f"worker {place}: {worker.metrics_url}")
        while not ending.wait(_POLL_S) and pool.failure is None:
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
