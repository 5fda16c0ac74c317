"""A patient's durable record: the bytes that the changelog keeps for one row of the patient table.

Only what differs from an empty row is written: signals that were seen, alarms that are not at rest, windows that
hold readings. Alarms are named by a hash of their rule's id, so that a record survives a changed rules file.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from clinical.limits import NEVER
from clinical.masks import some
from clinical.vitals import COUNT, WINDOWED
from tables.columns import COMMANDS, DEVICES, SEEN
from tables.patients import PatientTable, lap
from tables.record_layout import (
    ALARM,
    COUNTS,
    DEVICE,
    HEAD,
    LIMIT,
    PROFILE,
    SIGNAL,
    VERSION,
    position_of,
    upgraded,
)
from tables.windows import Windows

_WINDOW_COLUMNS: Final = ("count", "sum", "low", "high")


def encode(table: PatientTable, rows: NDArray[np.int64], keys: NDArray[np.uint64]) -> list[bytes]:
    """Return the records of rows.

    Args:
        table: the table.
        rows: (n,) rows in use.
        keys: `alarm_key` of the table's alarms, in order.
    """
    devices = table.device_used[rows] >= 0
    # Also what came too late to be judged.
    in_windows = (_of_rows(table.windows, "count", rows) > 0).any(axis=1)
    signals = (table.newest_ms[rows] >= 0) | (table.lost_ms[rows] >= 0)
    signals[:, :WINDOWED] |= in_windows
    measured = signals[:, :WINDOWED]
    alarms = (table.alarm_state[rows] != 0) | (table.alarm_onset_ms[rows] >= 0)
    buckets = _of_rows(table.windows, "bucket", rows)
    slots = buckets >= 0
    limits = ~(np.isnan(table.alarm_low[rows]) & np.isnan(table.alarm_high[rows]))
    commands = table.commands[rows] != 0
    profiles, special = _profiles(table, rows)
    head = np.zeros(len(rows), HEAD)
    head["version"] = VERSION
    head["position"] = np.maximum(table.processed, table.position[rows])
    for name in ("seen_ms", "ticked_ms", "interval_ms"):
        head[name] = getattr(table, name)[rows]
    present = (devices, signals, alarms, slots, special[:, None], limits, commands)
    for field, given in zip(COUNTS, present, strict=True):
        head[field] = given.sum(axis=1)
    head["windowed"] = measured.sum(axis=1)
    cells = slots[:, :, None] & measured[:, None, :]
    per_cell = cells.sum(axis=(1, 2))
    sections = [
        _cut(head, np.ones(len(rows), dtype=np.int64)),
        _cut(_devices(table, rows, devices), head["devices"]),
        _cut(_signals(table, rows, signals), head["signals"]),
        _cut(_alarms(table, rows, alarms, keys), head["alarms"]),
        _cut(buckets[slots], head["slots"]),
        *(_cut(_of_rows(table.windows, name, rows)[cells], per_cell) for name in _WINDOW_COLUMNS),
        _cut(profiles[special], head["profiles"]),
        _cut(_limits(table, rows, limits, keys), head["limits"]),
        _cut(table.commands[rows][commands], head["commands"]),
    ]
    return [b"".join(parts) for parts in zip(*sections, strict=True)]


def _of_rows(windows: Windows, name: str, rows: NDArray[np.int64]) -> NDArray[Any]:
    """Return a column of windows patient by patient, (n, slots[, signals]), as a record has it."""
    column: NDArray[Any] = getattr(windows, name)
    return column[:, rows].swapaxes(0, 1)


def _cut(values: NDArray[Any], counts: NDArray[Any]) -> list[bytes]:
    """Cut a flat array into the bytes of each row's share."""
    data = values.tobytes()
    ends = (np.cumsum(counts, dtype=np.int64) * values.dtype.itemsize).tolist()
    return [data[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def _devices(table: PatientTable, rows: NDArray[np.int64], present: NDArray[np.bool_]) -> NDArray[Any]:
    row, place = np.nonzero(present)
    at = rows[row], place
    devices = np.zeros(len(row), DEVICE)
    for name, column in _DEVICE_COLUMNS:
        devices[name] = getattr(table, column)[at]
    seqs = devices["high"][:, None] - _AGO
    seen = (seqs >= 0) & (np.take_along_axis(table.device_lap[at], seqs % SEEN, axis=1) == lap(seqs))
    devices["seen"] = np.packbits(seen, axis=1, bitorder="little")
    return devices


def _signals(table: PatientTable, rows: NDArray[np.int64], present: NDArray[np.bool_]) -> NDArray[Any]:
    row, signal = np.nonzero(present)
    signals = np.zeros(len(row), SIGNAL)
    signals["signal"] = signal
    for name in _SIGNAL_COLUMNS:
        signals[name] = getattr(table, name)[rows[row], signal]
    return signals


def _profiles(table: PatientTable, rows: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return each row's profile, and which of them differ from an empty row's."""
    profiles, blank = np.zeros(len(rows), PROFILE), np.zeros(1, PROFILE)
    for name in PROFILE.names or ():
        profiles[name], blank[name] = getattr(table, name)[rows], table.COLUMNS[name].empty
    width = PROFILE.itemsize
    return profiles, (profiles.view("u1").reshape(-1, width) != blank.view("u1").reshape(1, width)).any(
        axis=1
    )


def _limits(
    table: PatientTable, rows: NDArray[np.int64], present: NDArray[np.bool_], keys: NDArray[np.uint64]
) -> NDArray[Any]:
    row, alarm = np.nonzero(present)
    limits = np.zeros(len(row), LIMIT)
    limits["key"] = keys[alarm]
    limits["low"], limits["high"] = table.alarm_low[rows[row], alarm], table.alarm_high[rows[row], alarm]
    return limits


def _alarms(
    table: PatientTable, rows: NDArray[np.int64], present: NDArray[np.bool_], keys: NDArray[np.uint64]
) -> NDArray[Any]:
    row, alarm = np.nonzero(present)
    alarms = np.zeros(len(row), ALARM)
    alarms["key"] = keys[alarm]
    for name in _ALARM_COLUMNS:
        alarms[name] = getattr(table, f"alarm_{name}")[rows[row], alarm]
    return alarms


def decode(record: bytes, table: PatientTable, row: int, alarm_of: dict[int, int]) -> list[int]:
    """Write one record into an empty row; see `decode_all`."""
    return decode_all([record], table, np.array([row]), alarm_of)


def decode_all(
    records: Sequence[bytes], table: PatientTable, rows: NDArray[np.int64], alarm_of: dict[int, int]
) -> list[int]:
    """Write records into empty rows.

    Args:
        records: what `encode` returned, n of them.
        table: the table to write to.
        rows: (n,) empty and different rows of it.
        alarm_of: column of each alarm by its `alarm_key`.

    Returns:
        Keys of alarms in the records that the table does not have (their rule is gone).

    Raises:
        ValueError: one is not a record of this version, or damaged; the rows are then undefined.
    """
    for record in records:
        position_of(record)
    records = [upgraded(record) for record in records]
    head = np.frombuffer(b"".join([record[: HEAD.itemsize] for record in records]), HEAD)
    counts = {name: head[name].astype(np.int64) for name in COUNTS}
    for name, most in (("devices", DEVICES), ("profiles", 1), ("commands", COMMANDS)):
        if some(counts[name] > most):
            raise ValueError(f"a patient record is damaged: more than {most} {name}")
    measured = np.minimum(head["windowed"], head["signals"]).astype(np.int64)
    cells = counts["slots"] * measured
    windows = table.windows
    sections = (
        (DEVICE, counts["devices"]),
        (SIGNAL, counts["signals"]),
        (ALARM, counts["alarms"]),
        (windows.bucket.dtype, counts["slots"]),
        *((getattr(windows, name).dtype, cells) for name in _WINDOW_COLUMNS),
        (PROFILE, counts["profiles"]),
        (LIMIT, counts["limits"]),
        (table.commands.dtype, counts["commands"]),
    )
    devices, signals, alarms, bucket, *columns, profiles, limits, commands = _sections(records, sections)
    row = np.repeat(rows, counts["signals"])
    in_windows = np.repeat(measured, counts["signals"]) > _within(counts["signals"])
    if some(signals["signal"] >= COUNT) or some(in_windows & (signals["signal"] >= WINDOWED)):
        raise ValueError(f"a patient record is damaged: signal {signals['signal'].max()}")
    table.position[rows] = head["position"]
    for name in ("seen_ms", "ticked_ms", "interval_ms"):
        getattr(table, name)[rows] = head[name]
    _put_devices(table, rows, devices, counts["devices"])
    for name in _SIGNAL_COLUMNS:
        getattr(table, name)[row, signals["signal"]] = signals[name]
    _put_windows(windows, rows, (counts["slots"], measured), signals["signal"][in_windows], bucket, columns)
    for name in PROFILE.names or ():
        getattr(table, name)[np.repeat(rows, counts["profiles"])] = profiles[name]
    table.commands[np.repeat(rows, counts["commands"]), _within(counts["commands"])] = commands
    _put_named(table, np.repeat(rows, counts["limits"]), limits, ("low", "high"), alarm_of)
    return _put_named(table, np.repeat(rows, counts["alarms"]), alarms, _ALARM_COLUMNS, alarm_of)


def _sections(
    records: Sequence[bytes], sections: Sequence[tuple[np.dtype[Any], NDArray[np.int64]]]
) -> list[NDArray[Any]]:
    """Return each section of all records as one array; a section is a type and how many of it each record has."""
    begins = np.full(len(records), HEAD.itemsize)
    found = []
    for dtype, counts in sections:
        ends = begins + counts * dtype.itemsize
        cut = zip(records, begins.tolist(), ends.tolist(), strict=True)
        found.append(b"".join([record[begin:end] for record, begin, end in cut]))
        begins = ends
    lengths = np.fromiter(map(len, records), np.int64, len(records))
    if (wrong := np.flatnonzero(lengths != begins)).size:
        i = int(wrong[0])
        raise ValueError(f"a patient record of {lengths[i]} bytes is damaged: it should have {begins[i]}")
    return [np.frombuffer(data, dtype) for data, (dtype, _) in zip(found, sections, strict=True)]


def _within(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return 0, 1, ... count - 1 for each count, one after the other."""
    return np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)


def _put_devices(
    table: PatientTable, rows: NDArray[np.int64], devices: NDArray[Any], counts: NDArray[np.int64]
) -> None:
    row, slot = np.repeat(rows, counts), _within(counts)
    for name, column in _DEVICE_COLUMNS:
        getattr(table, column)[row, slot] = devices[name]
    device, ago = np.nonzero(np.unpackbits(devices["seen"], axis=1, bitorder="little"))
    seqs = devices["high"][device] - ago
    table.device_lap[row[device], slot[device], seqs % SEEN] = lap(seqs)


def _put_named(
    table: PatientTable,
    row: NDArray[np.int64],
    alarms: NDArray[Any],
    columns: Sequence[str],
    alarm_of: dict[int, int],
) -> list[int]:
    """Write what belongs to alarms; return the keys of those that the table does not have."""
    keys = alarms["key"].tolist()
    places = np.array([alarm_of.get(key, NEVER) for key in keys], dtype=np.int64)
    known = places != NEVER
    for name in columns:
        getattr(table, f"alarm_{name}")[row[known], places[known]] = alarms[name][known]
    return [key for key, kept in zip(keys, known.tolist(), strict=True) if not kept]


def _put_windows(
    windows: Windows,
    rows: NDArray[np.int64],
    counts: tuple[NDArray[np.int64], NDArray[np.int64]],
    signal: NDArray[np.uint8],
    bucket: NDArray[np.int32],
    columns: Sequence[NDArray[Any]],
) -> None:
    """Fill the ring buckets; a record's cells are listed bucket by bucket, each with all of its measured signals.

    `counts` are how many slots and measured signals each record has.
    """
    slots, signals = counts
    place = windows.cells(np.repeat(rows, slots), bucket)
    windows.bucket.reshape(-1)[place] = bucket
    windows.low.reshape(-1, WINDOWED)[place] = np.iinfo(windows.low.dtype).max
    windows.high.reshape(-1, WINDOWED)[place] = (
        0  # the row may have held an older record, which emptying leaves
    )
    wide = np.repeat(signals, slots)  # how many cells each bucket has
    first = np.repeat(
        np.repeat(np.cumsum(signals) - signals, slots), wide
    )  # where its record's signals begin
    cell = np.repeat(place, wide) * WINDOWED + signal[first + _within(wide)]
    for name, values in zip(_WINDOW_COLUMNS, columns, strict=True):
        getattr(windows, name).reshape(-1)[cell] = values


_DEVICE_COLUMNS: Final = (
    ("name", "device"),
    ("high", "device_high"),
    ("used", "device_used"),
    ("event_ms", "device_event_ms"),
    ("append_ms", "device_append_ms"),
    ("clock", "device_clock"),
)
_SIGNAL_COLUMNS: Final = ("value", "newest_ms", "value_ms", "lost_ms")
_ALARM_COLUMNS: Final = tuple(name for name in ALARM.names or () if name != "key")
_AGO: Final = np.arange(SEEN)
