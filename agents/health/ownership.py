"""What this worker owns and how far behind it is; keeps the gauges and the watchdog informed."""

import time
from collections.abc import Iterable, Sequence
from typing import Any

from faust.types import TP

from agents.health.metrics import Metrics
from agents.health.standstill import READ_AGAIN_S, Standstill
from agents.health.watchdog import Watchdog
from clinical.limits import NEVER
from streams.lane.block import Block
from tables.changelog.column_store import ColumnStore


class Overview:
    """Reads the app's assignment; nothing here decides anything."""

    def __init__(
        self,
        app: Any,
        readings: str,
        commands: str,
        wards: str,
        store: ColumnStore,
        metrics: Metrics,
        watchdog: Watchdog,
    ) -> None:
        self._app = app
        self._readings = readings
        self._commands = commands
        self._wards = wards
        self._beside = Standstill(lambda: app.consumer)
        self._store = store
        self._metrics = metrics
        self._watchdog = watchdog
        self._progress: dict[int, tuple[int, float]] = {}

    def owned(self) -> Iterable[int]:
        """Return the partitions that are assigned and recovered; none while that changes."""
        if not self._is_settled():
            return ()
        app = self._app
        return [tp.partition for tp in app.consumer.assignment() if tp.topic == self._readings]

    def _is_settled(self) -> bool:
        return not self._app.rebalancing and bool(self._app.tables.actives_ready)

    def mark_durable(self, partition: int, offset: int) -> None:
        """Tell the consumer that everything below the offset needs no replay."""
        self._app.consumer.mark_durable(TP(self._readings, partition), offset)

    def mark_forwarded(self, partition: int, offset: int) -> None:
        """Tell the consumer that every command below the offset is in the readings."""
        self._app.consumer.mark_durable(TP(self._commands, partition), offset)

    def mark_decided(self, partition: int, offset: int) -> None:
        """Tell the consumer that everything that wards' records below the offset lead to has arrived."""
        self._app.consumer.mark_durable(TP(self._wards, partition), offset)

    def committed(self, partition: int) -> int:
        """Return the committed offset of a partition of the readings."""
        offset: int = self._app.consumer.committed(TP(self._readings, partition))
        return offset

    def lag(self, partition: int) -> int:
        """Return how many records of the readings wait to be judged."""
        highwater: int = self._app.consumer.highwater(TP(self._readings, partition)) or 0
        return max(0, highwater - 1 - max(NEVER, self._store.state(partition).processed))

    async def admit(self, block: Block) -> Sequence[Any] | None:
        """Return the records of a block that come next in its partition, None when it does not."""
        records: Sequence[Any] | None = await self._app.consumer.admit(block)
        return records

    async def refresh(self) -> None:
        """Bring gauges and signs of life up to date."""
        self._watchdog.alive("event loop")
        if self._is_settled():
            self._watchdog.member()
        owned = sorted(self.owned())
        metrics = self._metrics
        metrics.ready.set(1 if owned else 0)
        metrics.partitions.set(len(owned))
        metrics.recovery.set(self._store.recovery_s)
        for partition in set(self._progress) - set(owned):
            self._watchdog.forget(_sign(partition))
            del self._progress[partition]
            metrics.forget(partition)
        for partition in owned:
            await self._refresh_partition(partition)
            for topic in (self._commands, self._wards):
                await self._beside.look_after(TP(topic, partition))

    async def _refresh_partition(self, partition: int) -> None:
        table = self._store.state(partition)
        lag = self.lag(partition)
        now_s = time.monotonic()
        processed, since_s = self._progress.get(partition, (NEVER, now_s))
        consumer, tp = self._app.consumer, TP(self._readings, partition)
        stable = consumer.stable_end(tp)
        consumer.faults.held(tp, stable if lag > 0 and table.processed + 1 >= stable else None)
        # What the log itself holds up is no fault of the judging, and stops nobody else's.
        if lag == 0 or processed != table.processed or consumer.faults.stops(tp):
            self._watchdog.alive(_sign(partition))
            self._progress[partition] = (table.processed, now_s)
        elif now_s - since_s > READ_AGAIN_S:
            self._progress[partition] = (processed, now_s)
            await consumer.read_again(tp)
        label = str(partition)
        age_s = (
            time.time() - table.processed_append_ms / 1000 if lag and table.processed_append_ms >= 0 else 0.0
        )
        self._metrics.lag_frames.labels(label).set(lag)
        self._metrics.lag_seconds.labels(label).set(max(0.0, age_s))
        self._metrics.patients.labels(label).set(len(table))
        self._metrics.misplaced.labels(label).set(len(table.misplaced))


def _sign(partition: int) -> str:
    return f"judging of partition {partition}"
