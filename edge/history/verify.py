"""Does the history hold what the topics hold? Compared record by record, as far back as Kafka still has them.

Readings are decoded again from the topic and compared with the rows of the files, offset by offset and column by
column; of the kept topics every record with the ledger's row, byte by byte. Nothing may be missing, nothing there
twice, nothing different.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from kafka import TopicPartition
from numpy.typing import NDArray

from edge.history import narrow
from edge.history.chain import Row
from edge.history.disk import LOOKS_MAX, Disk
from edge.history.file_names import HOUR, Named
from edge.history.ledger import KEPT, Ledger, readings_folder
from edge.history.readings_store import believed_of
from edge.history.rows import HOUR_MS, joined, no_rows, rows_of, signals_of, whole
from edge.history.shards import generations_of, shard_of, without_copies
from edge.history.shelf import Index
from streams.config.settings import Settings
from streams.contracts.topics import LIMITS
from streams.decoding.decoded import Frames
from streams.decoding.decoder import Decoder
from streams.errors import VigilError
from streams.kafka.connect import connect_consumer
from streams.kafka.layout_log import read_layout
from streams.kafka.log_end import begins_of, ends_of
from streams.kafka.log_search import read_between

STRETCH: Final = 200_000
"""Offsets that are compared at once: some 100 MB."""

STRETCH_KEPT: Final = 10_000
"""Records of the ledger that are compared at once."""

NAMED_MAX: Final = 5
"""Offsets that a finding names."""


@dataclass(slots=True)
class Compared:
    """What came of one partition: how many records of it are in the topic and should be kept, and what is wrong."""

    topic: str
    partition: int
    compared: int = 0
    not_yet: int = 0
    """Offsets that Kafka has and the history has not read yet: no fault."""
    missing: list[int] = field(default_factory=list)
    twice: list[int] = field(default_factory=list)
    different: list[int] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)
    """In the history, and not in the topic."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.missing or self.twice or self.different or self.unknown)

    def lines(self) -> Iterator[str]:
        """Yield what is wrong in plain sentences."""
        for what in ("missing", "twice", "different", "unknown"):
            offsets = getattr(self, what)
            if offsets:
                named = ", ".join(map(str, offsets[:NAMED_MAX])) + (
                    ", ..." if len(offsets) > NAMED_MAX else ""
                )
                said = "in the history only" if what == "unknown" else what
                yield f"{self.topic}, partition {self.partition}: {len(offsets)} {said}: offset {named}"


def verify(settings: Settings, ledger: Ledger) -> list[Compared]:
    """Compare the history with the topics.

    Raises:
        BrokerUnreachable: no broker answers.
        VigilError: topics or files cannot be read.
    """
    with closing(
        connect_consumer(settings, allow_auto_create_topics=False, isolation_level="read_committed")
    ) as consumer:
        return [*_readings(settings, consumer), *_kept(settings, consumer, ledger)]


def _bounds(
    consumer: Any, topic: str
) -> tuple[list[TopicPartition], dict[TopicPartition, int], dict[TopicPartition, int]]:
    tps = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
    return tps, begins_of(consumer, tps), ends_of(consumer, tps) if tps else {}


def _readings(settings: Settings, consumer: Any) -> Iterator[Compared]:
    files, generations = Files(readings_folder(settings)), generations_of(settings, read_layout(settings))
    positions = files.index.positions()
    for topic, generation in generations.items():
        tps, begins, ends = _bounds(consumer, topic)
        for tp in tps:
            shard = shard_of(generation, tp.partition)
            found = Compared(topic.removeprefix(settings.topic_prefix), tp.partition)
            position = min(positions.get(shard, 0), ends[tp])
            found.not_yet = ends[tp] - max(position, begins[tp])
            decoder = Decoder(with_copies=True)
            for first in range(begins[tp], position, STRETCH):
                behind = min(first + STRETCH, position)
                records = read_between(consumer, {tp: first}, {tp: behind})
                own = without_copies(records, generations.values(), positions)
                expected = _decoded(decoder, own, shard, settings)
                compare(expected, files.rows(shard, first, behind), found)
            yield found


def _decoded(decoder: Decoder, records: list[Any], partition: int, settings: Settings) -> pa.Table:
    if not records:
        return no_rows()
    parts = [part for part in decoder.decode(records).parts if isinstance(part, Frames)]
    return joined([rows_of(part, partition, believed_of(settings)) for part in parts])


class Files:
    """The rows of a shelf by offset, read without DuckDB so that this is another way than that of questions."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.index = Index.of(Disk().files(root))

    def rows(self, partition: int, first: int, behind: int) -> pa.Table:
        """Return the rows of a partition's offsets from `first` up to but not including `behind`, in no order.

        Raises:
            VigilError: a file cannot be read.
        """
        for attempt in range(LOOKS_MAX):
            try:
                return self._rows(partition, first, behind)
            except FileNotFoundError:  # replaced since it was looked for
                if attempt == LOOKS_MAX - 1:
                    raise VigilError(f"{self._root}: files go away as they are read; try again") from None
                self.index = Index.of(Disk().files(self._root))
        raise AssertionError("never reached")

    def _rows(self, partition: int, first: int, behind: int) -> pa.Table:
        hours = self.index.of_kind(HOUR, partition)
        taken = {hour.start_ms: hour.behind for hour in hours}
        tables = [
            self._read(one, first, behind) for one in hours if one.first < behind and one.behind > first
        ]
        for one in self.index.new.get(partition, ()):
            if one.first < behind and one.behind > first:
                rows = self._read(one, first, behind)
                starts = whole(rows, "ts_ms") // HOUR_MS * HOUR_MS
                merged = np.array([taken.get(start, 0) for start in starts.tolist()], np.int64)
                tables.append(rows.filter(pa.array(whole(rows, "offset") >= merged)))
        return joined(tables)

    def _read(self, found: Named, first: int, behind: int) -> pa.Table:
        path = found.path(self._root)
        try:
            table = narrow.read(path)
        except FileNotFoundError:
            raise
        except (OSError, pa.ArrowException) as error:
            raise VigilError(f"{path}: cannot be read: {' '.join(str(error).split())[:200]}") from None
        offsets = whole(table, "offset")
        return table.filter(pa.array((offsets >= first) & (offsets < behind)))


def compare(expected: pa.Table, kept: pa.Table, found: Compared) -> None:
    """Compare rows that should be kept, each once, with those that are, by their offsets."""
    should, there = whole(expected, "offset"), whole(kept, "offset")
    found.compared += len(should)
    found.missing += np.setdiff1d(should, there).tolist()
    found.unknown += np.setdiff1d(there, should).tolist()
    unique, counts = np.unique(there, return_counts=True)
    found.twice += unique[counts > 1].tolist()
    both = np.intersect1d(should, unique[counts == 1])
    one, two = _chosen(expected, should, both), _chosen(kept, there, both)
    different = np.zeros(len(both), bool)
    for name in sorted({*one.column_names, *two.column_names}):
        different |= _differ(one, two, name)
    found.different += both[different].tolist()


def _chosen(table: pa.Table, offsets: NDArray[np.int64], both: NDArray[np.int64]) -> pa.Table:
    order = np.argsort(offsets, kind="stable")
    places = order[np.searchsorted(offsets[order], both)] if len(both) else np.zeros(0, np.int64)
    return table.take(pa.array(places))


def _differ(one: pa.Table, two: pa.Table, name: str) -> NDArray[np.bool_]:
    """Tell where a column differs; one that a table lacks is null there."""
    if name in signals_of(one) + signals_of(two):
        values = [_floats(table, name) for table in (one, two)]
        same = (values[0] == values[1]) | (np.isnan(values[0]) & np.isnan(values[1]))
        return np.asarray(~same, bool)
    lists = [np.array(table.column(name).to_pylist(), dtype=object) for table in (one, two)]
    return np.asarray(lists[0] != lists[1], bool)


def _floats(table: pa.Table, name: str) -> NDArray[np.float64]:
    if name not in table.column_names:
        return np.full(len(table), np.nan)
    return np.asarray(table.column(name).to_numpy(), np.float64)


def _kept(settings: Settings, consumer: Any, ledger: Ledger) -> Iterator[Compared]:
    positions = ledger.positions()
    for name in KEPT:
        tps, begins, ends = _bounds(consumer, settings.topic(name))
        for tp in tps:
            position = min(positions.get((name, tp.partition), 0), ends[tp])
            found = Compared(name, tp.partition, not_yet=max(0, ends[tp] - max(position, begins[tp])))
            for first in range(begins[tp], position, STRETCH_KEPT):
                behind = min(first + STRETCH_KEPT, position)
                rows = {row.offset: row for row in ledger.stretch(name, tp.partition, first, behind)}
                _compare_kept(read_between(consumer, {tp: first}, {tp: behind}), rows, found)
            yield found


def _compare_kept(records: Iterator[Any], rows: dict[int, Row], found: Compared) -> None:
    for record in records:
        found.compared += 1
        kept = rows.pop(record.offset, None)
        if kept is None:
            found.missing.append(record.offset)
        elif (kept.key, kept.value, kept.append_ts_ms) != (record.key, record.value, record.timestamp):
            found.different.append(record.offset)
    if found.topic != LIMITS:  # of which Kafka removes what was replaced
        found.unknown += rows


def files_are_whole(root: Path) -> Iterator[str]:
    """Yield what is wrong with files themselves: a name that says other offsets than the file does."""
    for path in Disk().files(root):
        try:
            said = pq.read_schema(path).metadata or {}
        except (OSError, pa.ArrowException) as error:
            yield f"{path.name}: cannot be read: {' '.join(str(error).split())[:200]}"
            continue
        text = f"p{int(said.get(b'vigil.partition', b'-1')):05d}-"
        text += (
            f"{int(said.get(b'vigil.from', b'0')):020d}-{int(said.get(b'vigil.until', b'0')):020d}.parquet"
        )
        if text != path.name:
            yield f"{path.name}: its own offsets are {text}"
