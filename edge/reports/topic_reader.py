"""Reads a time of a topic to its end: what the topic no longer has from the history's ledger, where one is kept."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from typing import Any

from kafka import TopicPartition

from edge.history.ledger import Ledger, is_kept, open_ledger
from edge.reports.sources import Removed, Sources, missing_until
from streams.config.settings import Settings
from streams.kafka.admin import kept_ms
from streams.kafka.log_end import begins_of
from streams.kafka.log_search import offsets_at, read_between


class TopicReader:
    """Reads topics that are kept for a time, each record once, from whichever source has it.

    Args:
        settings: say where the history is.
        consumer: of kafka-python, in no group.
        now_ms: the present, ms: what is younger than a topic's retention has not been removed from it.
    """

    def __init__(self, settings: Settings, consumer: Any, now_ms: int) -> None:
        self._settings, self._consumer, self._now_ms = settings, consumer, now_ms

    def between(self, name: str, from_ms: int, until_ms: int, sources: Sources) -> Iterator[Any]:
        """Yield the records that the broker took in a time, ms; `sources` is told where each came from.

        Raises:
            VigilError: the topic or the ledger could not be read within its bound.
        """
        topic = self._settings.topic(name)
        numbers = sorted(self._consumer.partitions_for_topic(topic) or ())
        tps = [TopicPartition(topic, number) for number in numbers]
        if not tps:
            return
        first, behind = (offsets_at(self._consumer, tps, at) for at in (from_ms, until_ms))
        begins = begins_of(self._consumer, tps)
        removed = {tp.partition: begins[tp] for tp in tps if begins[tp] > 0 and first[tp] <= begins[tp]}
        oldest_ms: dict[int, int] = {}
        with ExitStack() as opened:
            ledger = None
            if removed and is_kept(self._settings):
                ledger = opened.enter_context(closing(open_ledger(self._settings)))
                for row in ledger.taken(name, from_ms, until_ms):
                    if row.offset < removed.get(row.partition, 0):
                        sources.stretches["history"].take(row.append_ts_ms)
                        yield row
            for record in read_between(self._consumer, first, behind):
                sources.stretches["topic"].take(record.timestamp)
                oldest_ms.setdefault(record.partition, record.timestamp)
                yield record
            if removed:
                gone_ms = self._gone_ms(topic, until_ms)
                gone = {number: min(gone_ms, oldest_ms.get(number, until_ms)) for number in removed}
                sources.missing_until_ms = missing_until(_removed(name, removed, gone, ledger), from_ms)

    def _gone_ms(self, topic: str, until_ms: int) -> int:
        """Return when the broker took what it has removed at the latest, as far as its retention says."""
        kept = kept_ms(self._settings, topic)
        return until_ms if kept is None else self._now_ms - kept


def _removed(
    name: str, behind: Mapping[int, int], gone_ms: Mapping[int, int], ledger: Ledger | None
) -> Iterator[Removed]:
    """Yield what is known of each partition whose beginning was removed."""
    beginnings, positions = ({}, {}) if ledger is None else (ledger.beginnings(), ledger.positions())
    for number, offset in behind.items():
        kept, end = beginnings.get((name, number)), positions.get((name, number), 0)
        # One that lacks records in between, because its writer stood still for too long, counts as none.
        if ledger is None or kept is None or ledger.count(name, number, kept, end) < end - kept:
            yield Removed(offset, gone_ms[number])
            continue
        (row,) = ledger.stretch(name, number, kept, kept + 1)
        yield Removed(offset, gone_ms[number], kept, row.append_ts_ms, end)
