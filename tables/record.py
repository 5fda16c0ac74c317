"""A patient's durable record: the bytes that the changelog keeps for one row of the patient table.

Only what differs from an empty row is written: signals that were seen, alarms that are not at rest, windows that
hold readings. Alarms are named by a hash of their rule's id, so that a record survives a changed rules file.
The position says up to which offset the log is part of the record; a replay skips what lies before it, and of two
records of one patient the one with the higher position is the newer, whoever wrote it.
"""

import hashlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from clinical.limits import NEVER
from clinical.vitals import COUNT
from tables.patients import DEVICES, SEEN, PatientTable, lap
from tables.windows import SLOTS, Windows

VERSION: Final = 1
RECORD_BYTES_MAX: Final = 65_536
"""Bound on a record; a full one of every signal, alarm and bucket stays below it (a test holds this)."""

_HEAD: Final = np.dtype(
    [
        ("version", "<u1"),
        ("position", "<i8"),
        ("seen_ms", "<i8"),
        ("ticked_ms", "<i8"),
        ("interval_ms", "<i4"),
        ("devices", "<u1"),
        ("signals", "<u1"),
        ("alarms", "<u1"),
        ("slots", "<u1"),
    ]
)
"""Begins a record; the last four say how many devices, signals, alarms and window slots follow."""

_DEVICE: Final = np.dtype(
    [
        ("name", "<u8"),
        ("high", "<i8"),
        ("used", "<i8"),
        ("seen", "<u1", (SEEN // 8,)),
        ("event_ms", "<i8"),
        ("append_ms", "<i8"),
    ]
)
_SIGNAL: Final = np.dtype(
    [("signal", "<u1"), ("value", "<f8"), ("newest_ms", "<i8"), ("value_ms", "<i8"), ("lost_ms", "<i8")]
)
_ALARM: Final = np.dtype(
    [
        ("key", "<u8"),
        ("state", "<u1"),
        ("priority", "<u1"),
        ("events", "<u4"),
        ("onset_ms", "<i8"),
        ("clear_ms", "<i8"),
        ("told_ms", "<i8"),
        ("extreme", "<f8"),
    ]
)
_WINDOW_COLUMNS: Final = ("count", "sum", "low", "high")


def alarm_key(alarm: str) -> int:
    """Return the 64-bit name of an alarm in records."""
    return int.from_bytes(hashlib.blake2b(alarm.encode(), digest_size=8).digest(), "little")


def position_of(record: bytes) -> int:
    """Return the offset up to which the log is part of the record.

    Raises:
        ValueError: the record is of another version or not a record.
    """
    if len(record) < _HEAD.itemsize or record[0] != VERSION:
        raise ValueError(f"not a patient record of version {VERSION}: {record[:1]!r}, {len(record)} bytes")
    return int(np.frombuffer(record, _HEAD, 1)["position"][0])


def encode(table: PatientTable, rows: NDArray[np.int64], keys: NDArray[np.uint64]) -> list[bytes]:
    """Return the records of rows.

    Args:
        table: the table.
        rows: (n,) rows in use.
        keys: `alarm_key` of the table's alarms, in order.
    """
    devices = table.device_used[rows] >= 0
    in_windows = (table.windows.count[rows] > 0).any(axis=1)  # also what came too late to be judged
    signals = (table.newest_ms[rows] >= 0) | (table.lost_ms[rows] >= 0) | in_windows
    alarms = (table.alarm_state[rows] != 0) | (table.alarm_onset_ms[rows] >= 0)
    slots = table.windows.bucket[rows] >= 0
    head = np.zeros(len(rows), _HEAD)
    head["version"] = VERSION
    head["position"] = np.maximum(table.processed, table.position[rows])
    for name in ("seen_ms", "ticked_ms", "interval_ms"):
        head[name] = getattr(table, name)[rows]
    for field, present in (("devices", devices), ("signals", signals), ("alarms", alarms), ("slots", slots)):
        head[field] = present.sum(axis=1)
    cells = slots[:, :, None] & signals[:, None, :]
    per_cell = cells.sum(axis=(1, 2))
    sections = [
        _cut(head, np.ones(len(rows), dtype=np.int64)),
        _cut(_devices(table, rows, devices), head["devices"]),
        _cut(_signals(table, rows, signals), head["signals"]),
        _cut(_alarms(table, rows, alarms, keys), head["alarms"]),
        _cut(table.windows.bucket[rows][slots], head["slots"]),
        *(_cut(getattr(table.windows, name)[rows][cells], per_cell) for name in _WINDOW_COLUMNS),
    ]
    return [b"".join(parts) for parts in zip(*sections, strict=True)]


def _cut(values: NDArray[Any], counts: NDArray[Any]) -> list[bytes]:
    """Cut a flat array into the bytes of each row's share."""
    data = values.tobytes()
    ends = (np.cumsum(counts, dtype=np.int64) * values.dtype.itemsize).tolist()
    return [data[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def _devices(table: PatientTable, rows: NDArray[np.int64], present: NDArray[np.bool_]) -> NDArray[Any]:
    row, place = np.nonzero(present)
    at = rows[row], place
    devices = np.zeros(len(row), _DEVICE)
    for name, column in _DEVICE_COLUMNS:
        devices[name] = getattr(table, column)[at]
    seqs = devices["high"][:, None] - _AGO
    seen = (seqs >= 0) & (np.take_along_axis(table.device_lap[at], seqs % SEEN, axis=1) == lap(seqs))
    devices["seen"] = np.packbits(seen, axis=1, bitorder="little")
    return devices


def _signals(table: PatientTable, rows: NDArray[np.int64], present: NDArray[np.bool_]) -> NDArray[Any]:
    row, signal = np.nonzero(present)
    signals = np.zeros(len(row), _SIGNAL)
    signals["signal"] = signal
    for name in _SIGNAL_COLUMNS:
        signals[name] = getattr(table, name)[rows[row], signal]
    return signals


def _alarms(
    table: PatientTable, rows: NDArray[np.int64], present: NDArray[np.bool_], keys: NDArray[np.uint64]
) -> NDArray[Any]:
    row, alarm = np.nonzero(present)
    alarms = np.zeros(len(row), _ALARM)
    alarms["key"] = keys[alarm]
    for name in _ALARM_COLUMNS:
        alarms[name] = getattr(table, f"alarm_{name}")[rows[row], alarm]
    return alarms


def decode(record: bytes, table: PatientTable, row: int, alarm_of: dict[int, int]) -> list[int]:
    """Write a record into an empty row.

    Args:
        record: what `encode` returned.
        table: the table to write to.
        row: an empty row of it.
        alarm_of: column of each alarm by its `alarm_key`.

    Returns:
        Keys of alarms in the record that the table does not have (their rule is gone).

    Raises:
        ValueError: not a record of this version, or damaged; the row is then undefined.
    """
    position_of(record)
    try:
        return _decode(record, table, row, alarm_of)
    except (ValueError, IndexError) as error:
        raise ValueError(f"patient record of {len(record)} bytes is damaged: {error}") from error


def _decode(record: bytes, table: PatientTable, row: int, alarm_of: dict[int, int]) -> list[int]:
    head = np.frombuffer(record, _HEAD, 1)[0]
    at = _HEAD.itemsize
    devices, at = _section(record, at, _DEVICE, int(head["devices"]))
    signals, at = _section(record, at, _SIGNAL, int(head["signals"]))
    alarms, at = _section(record, at, _ALARM, int(head["alarms"]))
    if len(devices) > DEVICES:
        raise ValueError(f"{len(devices)} devices, at most {DEVICES}")
    for slot, device in enumerate(devices):
        for name, column in _DEVICE_COLUMNS:
            getattr(table, column)[row, slot] = device[name]
        seqs = (int(device["high"]) - _AGO)[np.unpackbits(device["seen"], bitorder="little").astype(np.bool_)]
        table.device_lap[row, slot, seqs % SEEN] = lap(seqs)
    for name in _SIGNAL_COLUMNS:
        getattr(table, name)[row, signals["signal"]] = signals[name]
    places = [alarm_of.get(key, NEVER) for key in alarms["key"].tolist()]
    for alarm, place in zip(alarms, places, strict=True):
        if place != NEVER:
            for name in _ALARM_COLUMNS:
                getattr(table, f"alarm_{name}")[row, place] = alarm[name]
    _decode_windows(record, at, table.windows, row, signals["signal"], int(head["slots"]))
    table.position[row] = head["position"]
    for name in ("seen_ms", "ticked_ms", "interval_ms"):
        getattr(table, name)[row] = head[name]
    return [key for key, place in zip(alarms["key"].tolist(), places, strict=True) if place == NEVER]


def _section(record: bytes, at: int, dtype: np.dtype[Any], count: int) -> tuple[NDArray[Any], int]:
    return np.frombuffer(record, dtype, count, at) if count else np.zeros(
        0, dtype
    ), at + count * dtype.itemsize


def _decode_windows(
    record: bytes, at: int, windows: Windows, row: int, signals: NDArray[np.uint8], slots: int
) -> None:
    bucket, at = _section(record, at, windows.bucket.dtype, slots)
    place = bucket % SLOTS
    windows.bucket[row, place] = bucket
    windows.low[row, place] = np.iinfo(windows.low.dtype).max
    block = np.ix_(place, signals)
    for name in _WINDOW_COLUMNS:
        column = getattr(windows, name)
        values, at = _section(record, at, column.dtype, slots * len(signals))
        column[row][block] = values.reshape(slots, len(signals))
    if at != len(record):
        raise ValueError(f"{len(record) - at} bytes too many")


_DEVICE_COLUMNS: Final = (
    ("name", "device"),
    ("high", "device_high"),
    ("used", "device_used"),
    ("event_ms", "device_event_ms"),
    ("append_ms", "device_append_ms"),
)
_SIGNAL_COLUMNS: Final = ("value", "newest_ms", "value_ms", "lost_ms")
_ALARM_COLUMNS: Final = ("state", "priority", "events", "onset_ms", "clear_ms", "told_ms", "extreme")
_AGO: Final = np.arange(SEEN)


def size_max(alarms: int) -> int:
    """Return the size of the largest possible record, bytes."""
    cells = SLOTS * COUNT * (2 + 4 + 2 + 2)
    fixed = _HEAD.itemsize + DEVICES * _DEVICE.itemsize + COUNT * _SIGNAL.itemsize + SLOTS * 4
    return fixed + alarms * _ALARM.itemsize + cells
