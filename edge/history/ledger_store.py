"""Records of the kept topics on their way to the ledger: a transaction for what a poll brought, until it is in."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from edge.history.chain import Row
from edge.history.ledger import BATCH_ROWS_MAX, Ledger
from edge.history.metrics import LEDGER_STORE, HistoryMetrics
from edge.history.readings_store import Retries
from streams.errors import VigilError

WAITING_MAX: Final = 20_000
"""Records in memory that are not in the ledger yet; beyond them no more are read."""


class LedgerStore:
    """Takes the records of the kept topics and puts them into a ledger, in the order in which they were read."""

    def __init__(
        self, ledger: Ledger, metrics: HistoryMetrics, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._ledger, self._metrics = ledger, metrics
        self._waiting: list[Row] = []
        self.retries = Retries(LEDGER_STORE, metrics, monotonic)

    def positions(self) -> dict[tuple[str, int], int]:
        """Return from which offset on each topic and partition is to be read."""
        return self._ledger.positions()

    @property
    def is_full(self) -> bool:
        """Whether no more is to be read for now."""
        return len(self._waiting) >= WAITING_MAX

    def take(self, topic: str, records: Sequence[Any]) -> None:
        """Take records of one partition of a topic, in log order; `topic` is without the prefix."""
        self._waiting += [
            Row(
                topic,
                int(record.partition),
                int(record.offset),
                int(record.timestamp),
                record.key,
                record.value,
            )
            for record in records
        ]
        self._metrics.waiting.labels(LEDGER_STORE).set(len(self._waiting))

    def turn(self) -> None:
        """Put down what waits."""
        while self._waiting and self.retries.due:
            batch = self._waiting[:BATCH_ROWS_MAX]
            try:
                new = self._ledger.append(batch)
            except VigilError as error:
                self.retries.failed(error)
                return
            self.retries.worked()
            del self._waiting[: len(batch)]
            self._metrics.kept.labels(LEDGER_STORE).inc(new)
            self._metrics.waiting.labels(LEDGER_STORE).set(len(self._waiting))
