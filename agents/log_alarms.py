"""Telling that a partition stands still or that records are gone: by the worker that meets it, as alert and metric."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from faust.types import TP

from agents.health.metrics import Metrics
from clinical.limits import NEVER
from streams.config.settings import Settings
from streams.contracts.alert import Alert
from streams.contracts.partition_alerts import (
    NOTE_KEY,
    PARTITION_UNREADABLE,
    RECORDS_GONE,
    Note,
    PartitionRule,
    partition_alert,
    sealed_note,
)
from streams.contracts.seals import Seals
from streams.contracts.topics import ALERTS, COMMANDS, READINGS, WARDS
from streams.decoding.decoded import Noted
from streams.kafka.publisher import Publisher
from streams.lane.log_faults import Gone, LogFaults
from tables.changelog.column_store import ColumnStore

LOOK_S: Final = 1.0

_GONE_WHY: Final = "their readings, if they were any, led to no alarm"


@dataclass(slots=True)
class LogAlarms:
    """Tells what is wrong with the log of partitions, and that it is over."""

    settings: Settings
    seals: Seals
    publisher: Publisher
    faults: LogFaults
    store: ColumnStore
    metrics: Metrics
    owned: Callable[[str], Iterable[int]]
    """Returns this worker's partitions of a topic at the moment."""
    wall_s: Callable[[], float] = time.time
    _told: dict[Any, int] = field(default_factory=dict)
    """The offset at which a partition stands still, as told."""
    _gone: list[Gone] = field(default_factory=list)

    def note_gone(self, gone: Gone) -> None:
        """Count records that nobody can judge any more, and go on behind them; told at the next look."""
        tp, end = gone.tp, gone.end
        self.metrics.gone.labels(tp.topic, str(tp.partition)).inc(end - gone.first)
        if tp.topic == self.settings.topic(READINGS):
            table = self.store.state(tp.partition)
            table.processed = max(table.processed, end - 1)
        self._gone.append(gone)

    async def look(self) -> None:
        """Called once a second: tell what is new; the rest ends by its note."""
        judged = {self.settings.topic(name) for name in (READINGS, COMMANDS, WARDS)}
        owned = {topic: set(self.owned(topic)) for topic in judged}
        faults = {tp: fault for tp, fault in self.faults.to_tell().items() if tp.topic in judged}
        for tp in self._told.keys() - faults.keys():
            del self._told[tp]
            self.metrics.readable(tp.topic, tp.partition)
        for tp, fault in faults.items():
            if tp.partition in owned[tp.topic] and self._told.get(tp) != fault.offset:
                self._told[tp] = fault.offset
                self.metrics.unreadable.labels(tp.topic, str(tp.partition)).set(1)
                await self._tell(PARTITION_UNREADABLE, tp, fault.offset, fault.offset, fault.why)
        waiting = [gone for gone in self._gone if gone.tp.partition in owned.get(gone.tp.topic, ())]
        self._gone = [gone for gone in self._gone if gone not in waiting]
        for gone in waiting:
            await self._tell(RECORDS_GONE, gone.tp, gone.first, gone.end, _GONE_WHY)

    async def _tell(self, rule: PartitionRule, tp: TP, first: int, end: int, why: str) -> None:
        """Write the note behind what is wrong, then the alert: what has started must be sure to end."""
        now_ms = int(self.wall_s() * 1000)
        judged = self.store.partitions.get(tp.partition)  # none where only another topic's partition is ours
        ticked_ms = judged.table.ticked_until_ms if judged is not None else NEVER
        onset_ms = ticked_ms if ticked_ms >= 0 else now_ms
        note = Note(
            rule=rule, topic=tp.topic, partition=tp.partition, onset_ts_ms=onset_ms, first=first, end=end
        )
        alert = partition_alert(note, now_ms, now_ms, why)
        value = sealed_note(note, self.seals)
        await self.publisher.publish(tp.topic, NOTE_KEY, value, partition=tp.partition)
        await self._alert(alert, tp.partition)

    async def end(self, noted: Noted, topic: str, partition: int) -> None:
        """Tell that what a note tells of is over: whoever reads the note in its own partition has come past it."""
        note = noted.note
        # In another log a copy of it would say so of a partition that stands still.
        if (note.topic, note.partition) == (topic, partition):
            await self._alert(partition_alert(note, noted.append_ts_ms, noted.append_ts_ms), partition)

    async def _alert(self, alert: Alert, partition: int) -> None:
        topic = self.settings.topic(ALERTS)
        await self.publisher.publish(
            topic, alert.patient.encode(), alert.model_dump_json().encode(), partition=partition
        )
        self.metrics.alerts.labels(alert.rule, alert.phase).inc()
