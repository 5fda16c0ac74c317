"""What the history answers: a patient's readings from any time, as they were or by steps of time, read by DuckDB.

A stretch of time is read from the coarsest level that divides the step and has taken all that its hours hold; where an
hour has newer rows than its level, from the hour; what is not in its hour yet, from where it is new. Files are named to
DuckDB one by one: one that is just being replaced is not there any more when it is opened, and then the plan is made
again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from clinical.vitals import INDEX
from edge.history.disk import LOOKS_MAX, Disk
from edge.history.file_names import HOUR, LEVELS_S, Named, period_of
from edge.history.ledger import readings_folder
from edge.history.levels import Buckets, gathered, once_each, plausible
from edge.history.rows import HOUR_MS, readings, whole
from edge.history.shelf import Index, folders_between, length_of
from streams.config.settings import Settings
from streams.errors import UsageError, VigilError

POINTS_MAX: Final = 1_000_000
"""Steps of one answer."""

Found = TypeVar("Found")
Trend = dict[str, list[tuple[int, float | None]]]


@dataclass(slots=True)
class Plan:
    """Which files answer a question, and what of them does not count."""

    raw: list[Named] = field(default_factory=list)
    new: list[Named] = field(default_factory=list)
    levels: dict[int, list[Named]] = field(default_factory=dict)
    from_raw: set[tuple[int, int]] = field(default_factory=set)
    """Partitions and hours that are read from their hour: a level's steps of them do not count."""
    hours_behind: dict[tuple[int, int], int] = field(default_factory=dict)
    """Of each partition and hour that there is a file of, up to which offset it has taken what was new."""
    level_of: dict[tuple[int, int], int] = field(default_factory=dict)
    """Of each partition and hour that is read from a level, which."""

    @staticmethod
    def of(index: Index, from_ts_ms: int, until_ts_ms: int, step_s: int) -> "Plan":
        """Return the plan for a stretch of time by steps."""
        plan = Plan(
            new=[one for ones in index.new.values() for one in ones],
            hours_behind={(hour.partition, hour.start_ms): hour.behind for hour in index.of_kind(HOUR)},
        )
        for partition, hour_ms in _hours(index, from_ts_ms // HOUR_MS * HOUR_MS, until_ts_ms):
            plan._choose(index, partition, hour_ms, step_s)
        return plan

    def _choose(self, index: Index, partition: int, hour_ms: int, step_s: int) -> None:
        hour = index.slots.get((HOUR, hour_ms, partition))
        fitting = [level for level in reversed(LEVELS_S) if step_s % level == 0]
        others = [level for level in LEVELS_S if level not in fitting]
        for level_s in (*fitting, None, *others):
            if level_s is None:
                if hour is not None:
                    self.raw.append(hour)
                    self.from_raw.add((partition, hour_ms))
                    return
                continue
            level = index.slots.get((str(level_s), period_of(level_s, hour_ms), partition))
            if level is not None and (hour is None or level.behind >= hour.behind):
                files = self.levels.setdefault(level_s, [])
                if not files or files[-1] != level:
                    files.append(level)
                self.level_of[partition, hour_ms] = level_s
                return


def _hours(index: Index, first_ms: int, until_ts_ms: int) -> list[tuple[int, int]]:
    """Return the partitions and hours of a stretch of time that files have something of."""
    found: set[tuple[int, int]] = set()
    for kind, start_ms, partition in index.slots:
        length_ms = length_of(kind)
        hours = range(max(first_ms, start_ms), min(until_ts_ms, start_ms + length_ms), HOUR_MS)
        found.update((partition, hour_ms) for hour_ms in hours)
    return sorted(found)


class History:
    """A reader of the history; any number of them beside the one who writes. Not for several threads at once."""

    def __init__(self, root: Path, threads: int = 2) -> None:
        self._root = root
        self._disk = Disk()
        self._db = duckdb.connect(":memory:", config={"threads": threads})

    def close(self) -> None:
        """Let go of DuckDB."""
        self._db.close()

    def index(self, from_ts_ms: int, until_ts_ms: int) -> Index:
        """Return which files count at this moment, of those that may have something of a stretch of time."""
        folders = folders_between(self._root, from_ts_ms, until_ts_ms)
        return Index.of(path for folder in folders for path in self._disk.files_in(folder))

    def raw(
        self, patient: str, from_ts_ms: int, until_ts_ms: int, signals: Sequence[str] | None = None
    ) -> pa.Table:
        """Return a patient's rows in order of time, all columns but for signals that were not asked for.

        Raises:
            VigilError: files went away as often as they were looked for.
        """
        return self._with_plan(
            lambda plan: self._rows(plan, patient, from_ts_ms, until_ts_ms, signals),
            from_ts_ms,
            until_ts_ms,
            1,
        )

    def steps(
        self, patient: str, from_ts_ms: int, until_ts_ms: int, signals: Sequence[str], step_s: int
    ) -> dict[str, Buckets]:
        """Return each signal's steps of time that have a reading, whole steps also at both ends.

        Raises:
            UsageError: a signal or a step that there is none of.
            VigilError: files went away as often as they were looked for.
        """
        _check(from_ts_ms, until_ts_ms, signals, step_s)
        step_ms = step_s * 1000
        from_ts_ms, until_ts_ms = from_ts_ms // step_ms * step_ms, -(-until_ts_ms // step_ms) * step_ms
        return self._with_plan(
            lambda plan: self._steps(plan, patient, from_ts_ms, until_ts_ms, signals, step_s),
            from_ts_ms,
            until_ts_ms,
            step_s,
        )

    def _with_plan(
        self, read: Callable[[Plan], Found], from_ts_ms: int, until_ts_ms: int, step_s: int
    ) -> Found:
        for attempt in range(LOOKS_MAX):
            try:
                index = self.index(from_ts_ms, until_ts_ms)
                return read(Plan.of(index, from_ts_ms, until_ts_ms, step_s))
            except duckdb.IOException as error:
                if attempt == LOOKS_MAX - 1:
                    raise VigilError(f"{self._root}: {' '.join(str(error).split())[:200]}") from None
        raise AssertionError("never reached")

    def _steps(
        self, plan: Plan, patient: str, from_ts_ms: int, until_ts_ms: int, signals: Sequence[str], step_s: int
    ) -> dict[str, Buckets]:
        parts: dict[str, list[Buckets]] = {signal: [] for signal in signals}
        rows = once_each(self._rows(plan, patient, from_ts_ms, until_ts_ms, signals))
        for signal in signals:
            parts[signal].append(_single(rows, signal))
        for level_s, files in plan.levels.items():
            # What begins before the stretch is a step that reaches into it.
            table = self._read(
                files, patient, from_ts_ms // 1000 // level_s * level_s * 1000, until_ts_ms, None
            )
            kept = _of_level(table, plan, level_s)
            for signal in signals:
                if f"{signal}_count" in table.column_names:
                    parts[signal].append(_stored(table, kept, signal))
        return {signal: gathered(found, step_s) for signal, found in parts.items()}

    def _rows(
        self, plan: Plan, patient: str, from_ts_ms: int, until_ts_ms: int, signals: Sequence[str] | None
    ) -> pa.Table:
        tables = [self._read(plan.raw, patient, from_ts_ms, until_ts_ms, signals)]
        for one in plan.new:
            tables.append(
                self._not_merged(plan, self._read([one], patient, from_ts_ms, until_ts_ms, signals))
            )
        found = pa.concat_tables(
            [table for table in tables if len(table)] or tables[:1], promote_options="default"
        )
        found = found.unify_dictionaries().combine_chunks()
        if len(found) == 0 or "offset" not in found.column_names:
            return found
        order = np.lexsort((whole(found, "offset"), whole(found, "partition"), whole(found, "ts_ms")))
        return found.take(pa.array(order))

    def _not_merged(self, plan: Plan, table: pa.Table) -> pa.Table:
        """Leave out of what is new the rows that their hour has already: a merge is under way, or was broken off."""
        if len(table) == 0:
            return table
        behind = plan.hours_behind
        partitions, hours = whole(table, "partition"), whole(table, "ts_ms") // HOUR_MS * HOUR_MS
        taken = np.array(
            [behind.get(place, 0) for place in zip(partitions.tolist(), hours.tolist(), strict=True)],
            np.int64,
        )
        return table.filter(pa.array(whole(table, "offset") >= taken))

    def _read(
        self,
        files: Sequence[Named],
        patient: str,
        from_ts_ms: int,
        until_ts_ms: int,
        signals: Sequence[str] | None,
    ) -> pa.Table:
        if not files:
            return pa.table({"ts_ms": pa.array([], pa.int64())})
        wanted = "*"
        if signals is not None:
            left_out = ", ".join(f"'{name}'" for name in ("", *INDEX) if name not in signals)
            wanted = f"COLUMNS(lambda name: name NOT IN ({left_out}))"
        asked = (
            f"SELECT {wanted} FROM read_parquet($files, union_by_name = true) "
            "WHERE patient = $patient AND ts_ms >= $from AND ts_ms < $until"
        )
        given: dict[str, Any] = {
            "files": [str(one.path(self._root)) for one in files],
            "patient": patient,
            "from": from_ts_ms,
            "until": until_ts_ms,
        }
        return _plain(self._db.sql(asked, params=given).to_arrow_table())


def _plain(table: pa.Table) -> pa.Table:
    """Return what DuckDB gives with names as dictionaries and numbers of one width."""
    columns = []
    for field_, column in zip(table.schema, table.columns, strict=True):
        if pa.types.is_string(field_.type) or pa.types.is_large_string(field_.type):
            column = column.cast(pa.string()).dictionary_encode()
        elif (
            pa.types.is_decimal(field_.type)
            or field_.name in INDEX
            or field_.name.endswith(("_low", "_high", "_mean"))
        ):
            column = column.cast(pa.float64())
        columns.append(column)
    return pa.table(columns, names=table.column_names)


def _single(rows: pa.Table, signal: str) -> Buckets:
    """Return single readings as steps of one reading each; what no sensor can report is none."""
    values = readings(rows, signal)
    known = plausible(values, signal)
    found = values[known]
    return Buckets(whole(rows, "ts_ms")[known], found, found, found, np.ones(len(found), np.int64))


def _of_level(table: pa.Table, plan: Plan, level_s: int) -> NDArray[np.bool_]:
    """Tell which steps count, (n,): those of hours that are read from this level."""
    if len(table) == 0:
        return np.zeros(0, bool)
    partitions, hours = whole(table, "partition"), whole(table, "ts_ms") // HOUR_MS * HOUR_MS
    places = zip(partitions.tolist(), hours.tolist(), strict=True)
    return np.array([plan.level_of.get(place) == level_s for place in places], bool)


def _stored(table: pa.Table, kept: NDArray[np.bool_], signal: str) -> Buckets:
    count = np.nan_to_num(table.column(f"{signal}_count").to_numpy()).astype(np.int64)
    kept = kept & (count > 0)
    low, high, mean = (
        np.asarray(table.column(f"{signal}_{part}").to_numpy(), np.float64)[kept]
        for part in ("low", "high", "mean")
    )
    return Buckets(whole(table, "ts_ms")[kept], low, high, mean, count[kept])


def _check(from_ts_ms: int, until_ts_ms: int, signals: Sequence[str], step_s: int) -> None:
    for signal in signals:
        if signal not in INDEX:
            raise UsageError(f"signal {signal!r}: none of {', '.join(INDEX)}")
    if step_s < 1:
        raise UsageError(f"step {step_s}: at least 1 s")
    if until_ts_ms <= from_ts_ms:
        raise UsageError("until must be later than from")
    if (until_ts_ms - from_ts_ms) // (step_s * 1000) > POINTS_MAX:
        raise UsageError(f"more than {POINTS_MAX} steps of {step_s} s: take a longer step")


def history_of(where: Settings | Path) -> History:
    """Return a reader of the history that the settings name, or of a folder of readings."""
    return History(where if isinstance(where, Path) else readings_folder(where))


def trend(
    where: Settings | Path,
    patient: str,
    from_ts_ms: int,
    until_ts_ms: int,
    signals: Sequence[str],
    step_s: int,
) -> Trend:
    """Return the mean of each signal by steps of time, None for a step without a reading: a gap is a gap.

    Args:
        where: settings, or the folder of readings.
        patient: the stream id.
        from_ts_ms: the first step is the one that this lies in, ms.
        until_ts_ms: no step begins at or after this, ms.
        signals: names from `clinical.vitals`.
        step_s: length of a step, s; steps begin at whole multiples of it since 1970.

    Returns:
        Of each signal every step, as its first millisecond and the mean in the signal's unit; no step at all of a
        signal that has no reading in all that time.

    Raises:
        UsageError: a signal or a step that there is none of.
        VigilError: the files cannot be read.
    """
    history = history_of(where)
    try:
        found = history.steps(patient, from_ts_ms, until_ts_ms, signals, step_s)
    finally:
        history.close()
    step_ms = step_s * 1000
    starts = np.arange(from_ts_ms // step_ms * step_ms, until_ts_ms, step_ms)
    return {signal: _filled(buckets, starts, step_ms) for signal, buckets in found.items()}


def _filled(buckets: Buckets, starts: NDArray[np.int64], step_ms: int) -> list[tuple[int, float | None]]:
    if len(buckets.ts_ms) == 0:
        return []
    means: list[float | None] = [None] * len(starts)
    places = (buckets.ts_ms - starts[0]) // step_ms
    for place, mean in zip(places.tolist(), buckets.mean.tolist(), strict=True):
        if 0 <= place < len(means):
            means[place] = mean
    return list(zip(starts.tolist(), means, strict=True))
