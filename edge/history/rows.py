"""Rows of the history: frames as a table, one row a frame, null without a reading; its order and merging."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from clinical.vitals import ABSENT, COUNT, INDEX, SIGNALS
from streams.decoding.decoded import Frames

HOUR_MS: Final = 3_600_000
NAMES: Final = tuple(signal.name for signal in SIGNALS)

_TEXT: Final = pa.dictionary(pa.int32(), pa.string())
PLACE: Final = pa.schema(
    [
        ("patient", _TEXT),
        ("device", _TEXT),
        ("boot", pa.int64()),
        ("seq", pa.int64()),
        ("ts_ms", pa.int64()),
        ("clock_off_ms", pa.int64()),
        ("interval_ms", pa.int64()),
        ("unread", pa.int64()),
        ("partition", pa.int64()),
        ("offset", pa.int64()),
    ]
)
"""Columns of every table; one float64 column follows for each signal that some row has a reading of.

`ts_ms` is the time at which a frame counts, `ts_ms + clock_off_ms` what its device said; `unread` has bit i set where
signal i was attached without a valid reading, which its column does not tell from "not measured".
"""


@dataclass(frozen=True, slots=True)
class Believed:
    """Which devices' clocks are believed: those that are at most so far from the time at which the broker took a frame.

    A recording's frames are always believed (`recorded`): their time is long past.
    """

    late_ms_max: int
    ahead_ms_max: int
    recorded: bool = False

    def times(self, event_ts_ms: NDArray[np.int64], append_ts_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return when frames count, ms, (n,): by the device where it is believed, else when the broker took them."""
        if self.recorded:
            return event_ts_ms
        off_ms = event_ts_ms - append_ts_ms
        believed = (off_ms >= -self.late_ms_max) & (off_ms <= self.ahead_ms_max)
        return np.where(believed, event_ts_ms, append_ts_ms)


def rows_of(frames: Frames, partition: int, believed: Believed) -> pa.Table:
    """Return decoded frames of a partition as rows, in their order."""
    n = len(frames)
    ts_ms = believed.times(frames.event_ts_ms, frames.append_ts_ms)
    unread = np.zeros(n, np.int64)
    readings: dict[str, pa.Array] = {}
    for place, column in enumerate(frames.carried.tolist()):
        values = frames.values[:, place]
        without = np.isnan(values)
        unread |= without.astype(np.int64) << column
        absent = without | (values == ABSENT)
        if not absent.all():
            readings[NAMES[column]] = pa.array(values, pa.float64(), mask=absent)
    columns: list[Any] = [
        _names(frames.patient),
        _names(frames.device),
        frames.boot,
        frames.seq,
        ts_ms,
        frames.event_ts_ms - ts_ms,
        frames.interval_ms,
        unread,
        np.full(n, partition, np.int64),
        frames.offset,
    ]
    place_columns = dict(zip(PLACE.names, columns, strict=True))
    return pa.table({**place_columns, **readings}).cast(schema_of(readings))


def _names(names: Sequence[str]) -> pa.Array:
    """Return names as a dictionary: a ward's few names come over and over."""
    numbers: dict[str, int] = {}
    codes = np.fromiter((numbers.setdefault(name, len(numbers)) for name in names), np.int32, len(names))
    return pa.DictionaryArray.from_arrays(codes, pa.array(list(numbers), pa.string()))


def schema_of(signals: Sequence[str] | dict[str, Any]) -> pa.Schema:
    """Return the schema of rows with readings of these signals, which stand in the order of `clinical.vitals`."""
    ordered = sorted(signals, key=INDEX.__getitem__)
    return pa.schema([*PLACE, *((name, pa.float64()) for name in ordered)])


def no_rows() -> pa.Table:
    """Return a table without any row."""
    return PLACE.empty_table()


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """Return several tables as one, one behind the other; a signal that one of them lacks is null there."""
    names = {name for table in tables for name in signals_of(table)}
    schema = schema_of(sorted(names))
    wide = [_widened(table, schema) for table in tables]
    return pa.concat_tables(wide).unify_dictionaries().combine_chunks() if wide else no_rows()


def signals_of(table: pa.Table) -> list[str]:
    """Return the signals that a table has a column of."""
    return [name for name in table.column_names if name in INDEX]


def _widened(table: pa.Table, schema: pa.Schema) -> pa.Table:
    if table.schema.equals(schema):
        return table
    have = set(table.column_names)
    columns = [
        table.column(field.name).cast(field.type) if field.name in have else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def in_order(table: pa.Table) -> pa.Table:
    """Return the rows by patient, device, time and offset: so they take the least room, and a patient is together."""
    if len(table) == 0:
        return table
    patient, device = _ranks(table.column("patient")), _ranks(table.column("device"))
    who = patient * (int(device.max()) + 1) + device
    order = np.lexsort((whole(table, "offset"), whole(table, "ts_ms"), who))
    if (np.diff(order) == 1).all():
        return table
    return table.take(pa.array(order))


def by_patient(table: pa.Table) -> pa.Table:
    """Return rows or steps by patient and time."""
    if len(table) == 0:
        return table
    return table.take(pa.array(np.lexsort((whole(table, "ts_ms"), _ranks(table.column("patient"))))))


def _ranks(column: Any) -> NDArray[np.int64]:
    """Return the place of each name among all of them by the alphabet."""
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0)
    names = np.array(array.dictionary.to_pylist(), dtype=object)
    ranks = np.empty(len(names), np.int64)
    ranks[np.argsort(names, kind="stable")] = np.arange(len(names))
    found: NDArray[np.int64] = ranks[array.indices.to_numpy(zero_copy_only=False)]
    return found


def whole(table: pa.Table, name: str) -> NDArray[np.int64]:
    """Return a column of whole numbers, (n,)."""
    return np.asarray(table.column(name).to_numpy(), np.int64)


def readings(table: pa.Table, name: str) -> NDArray[np.float64]:
    """Return a signal's readings, (n,), NaN where there is none."""
    if name not in table.column_names:
        return np.full(len(table), np.nan)
    return np.asarray(table.column(name).to_numpy(), np.float64)


def by_hour(table: pa.Table) -> dict[int, pa.Table]:
    """Return the rows of each hour, by its first millisecond, in their order."""
    hours = whole(table, "ts_ms") // HOUR_MS * HOUR_MS
    return {int(hour): table.filter(pa.array(hours == hour)) for hour in np.unique(hours)}


assert COUNT <= 62  # one bit of `unread` for each
