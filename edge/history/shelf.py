"""The shelf: where the files of readings stand, how they are put there, merged into hours, thinned and thrown away.

What is new comes as one file for a stretch of a partition's log, in place by one rename: the position is what the
files say. Later it is merged into the hours that its rows belong to, late ones too, and removed when every one of those
is in place. An hour's name says up to which offset it has taken: what was merged twice counts once, wherever it ended.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from edge.history import narrow
from edge.history.disk import Disk
from edge.history.file_names import HOUR, LEVELS_S, NEW, PERIODS_MS, Named, named, period_of, start_of
from edge.history.levels import thinned
from edge.history.rows import HOUR_MS, by_hour, by_patient, in_order, joined, whole

DAY_MS: Final = 24 * HOUR_MS
MONTH_MS: Final = 31 * DAY_MS
LEVEL_PLACE: Final = ("patient", "ts_ms", "partition")


@dataclass(slots=True)
class Index:
    """Which files count: of each slot the one that reaches furthest; and those that another one replaces."""

    new: dict[int, list[Named]] = field(default_factory=dict)
    """Of each partition, in the order of their offsets."""
    slots: dict[tuple[str, int, int], Named] = field(default_factory=dict)
    replaced: list[Named] = field(default_factory=list)

    @staticmethod
    def of(files: Iterable[Path]) -> "Index":
        """Return the index of files that are there."""
        index = Index()
        for path in files:
            if (found := named(path)) is not None:
                index.add(found)
        return index

    def add(self, found: Named) -> None:
        """Take a file in."""
        if found.kind == NEW:
            self._add_stretch(found)
            return
        before = self.slots.get(found.slot)
        if before is not None and (before.behind, -before.first) > (found.behind, -found.first):
            found, before = before, found
        self.slots[found.slot] = found
        if before is not None and before != found:
            self.replaced.append(before)

    def _add_stretch(self, found: Named) -> None:
        """Take in a stretch; of two that begin at one offset, because a try failed at its end, the longer counts."""
        same = {one.first: one for one in self.new.get(found.partition, ())}
        before = same.get(found.first)
        if before is not None and before != found:
            found, shorter = (found, before) if found.behind > before.behind else (before, found)
            self.replaced.append(shorter)
        same[found.first] = found
        self.new[found.partition] = [same[first] for first in sorted(same)]

    def of_kind(self, kind: str, partition: int | None = None) -> list[Named]:
        """Return the files of a kind that count, those of one partition or of all."""
        return [
            found
            for found in self.slots.values()
            if found.kind == kind and partition in (None, found.partition)
        ]

    def positions(self) -> dict[int, int]:
        """Return the offset behind all that is kept, by partition."""
        behind: dict[int, int] = {}
        for found in [*self.slots.values(), *(one for ones in self.new.values() for one in ones)]:
            behind[found.partition] = max(behind.get(found.partition, 0), found.behind)
        return behind


class Shelf:
    """The files of readings below a folder; one process writes them, any number read.

    A process that was killed anywhere leaves nothing that `Shelf` does not put right when it is made again.
    """

    def __init__(self, root: Path, disk: Disk | None = None) -> None:
        self.root = root
        self._disk = disk or Disk()
        self._disk.make_folder(root)
        self._disk.clear_parts(root)
        self.index = Index.of(self._disk.files(root))
        self._drop_replaced()

    def positions(self) -> dict[int, int]:
        """Return the offset behind all that is kept, by partition; a partition without files has none."""
        return self.index.positions()

    def put(self, partition: int, first: int, behind: int, rows: pa.Table) -> None:
        """Keep the rows of a partition's offsets from `first` up to but not including `behind`.

        Raises:
            OSError: they could not be written; nothing of them counts.
        """
        self._write(Named(NEW, 0, partition, first, behind), in_order(rows))
        self._drop_replaced()

    def merge(self, partition: int) -> int:
        """Put what is new of a partition into its hours; return how many hours were written.

        Raises:
            OSError: there is no room; what is new stays, and the next merge goes on.
        """
        stretches = list(self.index.new.get(partition, ()))
        if not stretches:
            return 0
        first, behind = stretches[0].first, stretches[-1].behind
        written = 0
        for hour_ms, rows in by_hour(joined([self.read(one) for one in stretches])).items():
            written += self._merge_hour(partition, hour_ms, rows, first, behind)
        for one in stretches:
            self._remove(one)
        self.index.new.pop(partition, None)
        return written

    def _merge_hour(self, partition: int, hour_ms: int, rows: pa.Table, first: int, behind: int) -> bool:
        old = self.index.slots.get((HOUR, hour_ms, partition))
        if old is not None:
            rows = rows.filter(pa.array(whole(rows, "offset") >= old.behind))
            if len(rows) == 0:
                return False
            rows, first = joined([self.read(old), rows]), min(first, old.first)
        self._write(Named(HOUR, hour_ms, partition, first, behind), in_order(rows))
        self._drop_replaced()
        return True

    def thin(self, partition: int) -> int:
        """Bring every level of a partition up to its hours; return how many files were written.

        A level's file has all of its period that hours hold up to the offset in its name: an hour that reaches
        further, because something came late, is thinned again.
        """
        written = 0
        for step_s in LEVELS_S:
            periods: dict[int, list[Named]] = {}
            for hour in self.index.of_kind(HOUR, partition):
                periods.setdefault(period_of(step_s, hour.start_ms), []).append(hour)
            for start_ms, hours in periods.items():
                written += self._thin_period(step_s, start_ms, partition, hours)
        return written

    def _thin_period(self, step_s: int, start_ms: int, partition: int, hours: list[Named]) -> bool:
        old = self.index.slots.get((str(step_s), start_ms, partition))
        stale = [hour for hour in hours if old is None or hour.behind > old.behind]
        if not stale:
            return False
        parts = [thinned(self.read(hour), step_s) for hour in sorted(stale, key=lambda one: one.start_ms)]
        first, behind = min(hour.first for hour in stale), max(hour.behind for hour in stale)
        if old is not None:
            kept = self.read(old)
            again = np.isin(whole(kept, "ts_ms") // HOUR_MS * HOUR_MS, [hour.start_ms for hour in stale])
            parts.insert(0, kept.filter(pa.array(~again)))
            first = min(first, old.first)
        self._write(Named(str(step_s), start_ms, partition, first, behind), _level(parts))
        self._drop_replaced()
        return True

    def retain(self, now_ms: int, keep_ms: Mapping[str, int]) -> int:
        """Throw away what is older than it is kept, by kind; return how many files.

        What is new is never thrown away, nor an hour that a level has not taken yet. `now_ms` is the log's time, and
        raw hours are kept for longer than a frame may be late: nothing comes for an hour that is gone.
        """
        gone = 0
        for found in list(self.index.slots.values()):
            end_ms = found.start_ms + length_of(found.kind)
            if now_ms - end_ms <= keep_ms.get(found.kind, now_ms) or not self._is_thinned(found):
                continue
            self._remove(found)
            del self.index.slots[found.slot]
            gone += 1
        return gone

    def _is_thinned(self, found: Named) -> bool:
        if found.kind != HOUR:
            return True
        levels = [
            self.index.slots.get((str(step_s), period_of(step_s, found.start_ms), found.partition))
            for step_s in LEVELS_S
        ]
        return all(level is not None and level.behind >= found.behind for level in levels)

    def read(self, found: Named) -> pa.Table:
        """Return what a file holds."""
        return narrow.read(found.path(self.root))

    def _write(self, found: Named, table: pa.Table) -> None:
        self._disk.write(found.path(self.root), lambda sink: narrow.write(table, sink, found.said()))
        self.index.add(found)

    def _remove(self, found: Named) -> None:
        self._disk.remove(found.path(self.root))

    def _drop_replaced(self) -> None:
        while self.index.replaced:
            self._remove(self.index.replaced[-1])
            self.index.replaced.pop()


def _level(parts: list[pa.Table]) -> pa.Table:
    """Return the steps of several hours as one table, by patient and time; a count that one of them lacks is 0."""
    table = pa.concat_tables(parts, promote_options="default").unify_dictionaries().combine_chunks()
    counts = [name for name in table.column_names if name.endswith("_count")]
    for name in counts:
        place = table.column_names.index(name)
        table = table.set_column(place, name, table.column(name).cast(pa.int64()).fill_null(0))
    rest = sorted(name for name in table.column_names if name not in LEVEL_PLACE)
    return by_patient(table.select([*LEVEL_PLACE, *rest]))


def folders_between(root: Path, from_ts_ms: int, until_ts_ms: int) -> list[Path]:
    """Return the folders whose files may have something of a stretch of time, what is new among them."""
    found = [root / NEW]
    for kind in (HOUR, *map(str, LEVELS_S)):
        try:
            periods = sorted((root / kind).iterdir())
        except FileNotFoundError:
            continue
        for folder in periods:
            start_ms = start_of(folder.name)
            if start_ms is not None and from_ts_ms - length_of(kind) < start_ms < until_ts_ms:
                found.append(folder)
    return found


def length_of(kind: str) -> int:
    """Return how much time a file of a kind holds at most, ms."""
    if kind == HOUR:
        return HOUR_MS
    return PERIODS_MS[int(kind)] or MONTH_MS
