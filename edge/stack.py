"""What a demo or a replay needs around it: a broker, its topics and workers, all gone at the end.

Stopping takes less than five seconds: the workers first, so that their last checkpoint finds the broker, then
the embedded broker. Children do not outlive this process even if it is killed (`edge.brokers.tether`).
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Final

from edge.brokers.embedded import EmbeddedBroker
from edge.metrics_scrape import scrape
from edge.options import with_changes
from edge.workers import WorkerPool
from streams.config.settings import Settings
from streams.errors import VigilError
from streams.kafka.admin import apply_topics

READY_WAIT_S: Final = 60.0
"""Default for `wait_ready`: imports, joining the group and reading the table back on a busy machine."""

_READY_POLL_S: Final = 0.1


class Stack:
    """A broker (embedded unless the settings name one), the topics and `workers` workers.

    Attributes:
        settings: as given, with `brokers` filled in.

    Raises:
        VigilError: on entry, if the broker or the topics are not to be had.
    """

    def __init__(
        self,
        settings: Settings,
        workers: int = 1,
        verbose: bool = False,
        command: Sequence[str] | None = None,
    ) -> None:
        """Describe the stack; `command` replaces the worker's program (for tests)."""
        self.settings = settings
        self.embedded = not settings.bootstrap
        self._count = workers
        self._verbose = verbose
        self._command = command
        self._pool: WorkerPool | None = None
        self._open = ExitStack()

    def __enter__(self) -> "Stack":
        with ExitStack() as opening:
            if self.embedded:
                broker = opening.enter_context(EmbeddedBroker())
                self.settings = with_changes(self.settings, brokers=broker.bootstrap)
            apply_topics(self.settings)
            pool = WorkerPool(self.settings, self._count, self._verbose, self._command)
            self._pool = opening.enter_context(pool)
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    @property
    def pool(self) -> WorkerPool:
        """The workers; only inside the `with` block."""
        if self._pool is None:
            raise VigilError("the stack is not running")
        return self._pool

    @property
    def worker_pids(self) -> list[int]:
        """Process ids of the workers that run at this moment."""
        return self.pool.pids

    @property
    def metrics_urls(self) -> list[str]:
        """Where each worker serves its metrics; the same after a restart."""
        return [worker.metrics_url for worker in self.pool.workers]

    def check(self) -> None:
        """Raise the VigilError of a worker that failed for good; otherwise do nothing."""
        if self.pool.failure is not None:
            raise self.pool.failure

    def wait_ready(self, deadline_s: float = READY_WAIT_S) -> None:
        """Wait until every worker says that it is ready.

        Args:
            deadline_s: longest wait from now, s.

        Raises:
            VigilError: a worker failed for good, or was not ready in time.
        """
        until_s = time.monotonic() + deadline_s
        waiting = list(self.pool.workers)
        while True:
            self.check()
            waiting = [worker for worker in waiting if not _ready(worker.metrics_url)]
            if not waiting:
                return
            if time.monotonic() >= until_s:
                said = self.pool.last_words(waiting[0])
                raise VigilError(f"a worker was not ready within {deadline_s:g} s{said}")
            time.sleep(_READY_POLL_S)


def _ready(url: str) -> bool:
    samples = scrape(url)
    return samples is not None and samples.value("vigil_ready") == 1.0
