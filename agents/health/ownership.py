"""What this worker owns and how far behind it is; keeps gauges and watchdog informed, and has read again what stands.

A block may have been lost on the way to its agent when a rebalance ended, with none behind it that would show the
hole.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agents.health.metrics import Metrics
from agents.health.watchdog import Watchdog
from clinical.limits import NEVER
from streams.lane.protocol import Lag, Lane, is_settled
from tables.changelog.column_store import ColumnStore
from tables.partition import Partition

READ_AGAIN_S: Final = 5.0
"""A partition that stands still for so long though it has more records is read again."""


@dataclass(slots=True)
class Progress:
    """Where a partition of a topic was when it was last seen to move."""

    at: int = NEVER
    since_s: float | None = None

    def stands(self, at: int, can_go_on: bool) -> bool:
        """Return whether it has stood still for too long although it could go on; the time then begins anew."""
        now_s = time.monotonic()
        if self.since_s is None or not can_go_on or at != self.at:
            self.at, self.since_s = at, now_s
        elif now_s - self.since_s > READ_AGAIN_S:
            self.since_s = now_s
            return True
        return False


async def look_after(lane: Lane, topic: str, partition: int, progress: Progress) -> Lag | None:
    """Read records again that were lost on the way to their agent; return how far the partition is."""
    lag = lane.lag(topic, partition)
    if lag is not None and progress.stands(lag.at, lag.can_go_on):
        await lane.read_again(topic, partition)
    return lag


class Overview:
    """Looks at a worker's partitions once a second.

    Args:
        lane: tells what this worker owns.
        readings: the topic that is judged.
        beside: topics whose agents run along; of how many partitions is another matter.
        store: the partitions.
        metrics: the gauges.
        watchdog: told that judging goes on.
        waiting_s: how long the oldest record waits for the broker.
    """

    def __init__(
        self,
        lane: Lane,
        readings: str,
        beside: tuple[str, ...],
        store: ColumnStore,
        metrics: Metrics,
        watchdog: Watchdog,
        waiting_s: Callable[[], float],
    ) -> None:
        self._lane = lane
        self._waiting_s = waiting_s
        self._readings = readings
        self._beside = beside
        self._store = store
        self._metrics = metrics
        self._watchdog = watchdog
        self._seen: dict[int, Progress] = {}
        """What was seen of the partitions that are judged."""
        self._seen_beside: dict[tuple[str, int], Progress] = {}
        """Likewise of the other topics' partitions that are owned."""
        self._since_s: dict[int, float] = {}
        """Since when these are owned, monotonic, s."""

    def lag(self, partition: Partition) -> int:
        """Return how many records of the readings wait to be judged."""
        lag = self._lane.lag(self._readings, partition.number, partition.table.processed + 1)
        return 0 if lag is None else lag.records

    async def refresh(self) -> None:
        """Bring gauges and signs of life up to date."""
        self._watchdog.alive("event loop")
        owned = self._lane.owned()
        settled = owned is not None and is_settled(self._lane, self._beside)
        if settled:
            self._watchdog.member()
        metrics = self._metrics
        metrics.ready.set(1 if owned and settled else 0)
        metrics.partitions.set(len(owned or ()))
        metrics.recovery.set(self._store.recovery_s)
        metrics.waiting.set(self._waiting_s())
        for number in self._seen.keys() - (owned or frozenset()):
            self._watchdog.forget(_sign(number))
            del self._seen[number], self._since_s[number]
            metrics.forget(number)
        for number in sorted(owned or ()):
            self._since_s.setdefault(number, time.monotonic())
            await self._refresh(self._store.partition(number), self._seen.setdefault(number, Progress()))
        await self._look_beside()

    async def _look_beside(self) -> None:
        places = {(topic, each) for topic in self._beside for each in self._lane.owned(topic) or ()}
        for place in self._seen_beside.keys() - places:
            del self._seen_beside[place]
        for topic, number in sorted(places):
            seen = self._seen_beside.setdefault((topic, number), Progress())
            await look_after(self._lane, topic, number, seen)

    async def _refresh(self, partition: Partition, progress: Progress) -> None:
        number, table = partition.number, partition.table
        lag = self._lane.lag(self._readings, number, table.processed + 1)
        assert lag is not None, "asked for from an offset on"
        # What the log itself holds up is no fault of the judging, and stops nobody else's.
        if not lag.can_go_on or progress.at != table.processed:
            self._watchdog.alive(_sign(number))
        if progress.stands(table.processed, lag.can_go_on):
            await self._lane.read_again(self._readings, number)
        label, append_ms = str(number), table.processed_append_ms
        age_s = time.time() - append_ms / 1000 if lag.records and append_ms > NEVER else 0.0
        self._metrics.lag_frames.labels(label).set(lag.records)
        self._metrics.lag_seconds.labels(label).set(max(0.0, age_s))
        durable_s = self._since_s[number] if partition.durable_s is None else partition.durable_s
        self._metrics.checkpoint_age.labels(label).set(time.monotonic() - durable_s)
        self._metrics.patients.labels(label).set(len(table))
        self._metrics.misplaced.labels(label).set(len(table.misplaced))


def _sign(partition: int) -> str:
    return f"judging of partition {partition}"
