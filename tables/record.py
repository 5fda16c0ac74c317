"""A patient's durable record: the bytes that the changelog keeps for one row of the patient table.

Only what differs from an empty row is written: signals that were seen, alarms that are not at rest, windows that
hold readings. Alarms are named by a hash of their rule's id, so that a record survives a changed rules file.
The position says up to which offset the log is part of the record; a replay skips what lies before it, and of two
records of one patient the one with the higher position is the newer, whoever wrote it.
"""

import hashlib
import struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clinical.vitals import COUNT
from tables.patients import DEVICES, SEEN, PatientTable, lap
from tables.windows import SLOTS

VERSION: Final = 1
RECORD_BYTES_MAX: Final = 65_536
"""Bound on a record; a full one of every signal, alarm and bucket stays below it (a test holds this)."""

_HEAD: Final = struct.Struct("<BqqqiBBBB")
"""Version, position, last seen, last tick, interval; how many devices, signals, alarms and buckets follow."""
_DEVICE: Final = struct.Struct(
    "<QqqQQqq"
)  # id, highest seq, last used, 2 x 64 seen, event and append of the last
_SIGNAL: Final = struct.Struct("<Bdqqq")  # signal, value, newest, value time, lost since
_ALARM: Final = struct.Struct("<QBBHqqqd")  # rule hash, state, priority, events, onset, clear, told, extreme


def alarm_key(alarm: str) -> int:
    """Return the 64-bit name of an alarm in records."""
    return int.from_bytes(hashlib.blake2b(alarm.encode(), digest_size=8).digest(), "little")


def position_of(record: bytes) -> int:
    """Return the offset up to which the log is part of the record.

    Raises:
        ValueError: the record is of another version or not a record.
    """
    if len(record) < _HEAD.size or record[0] != VERSION:
        raise ValueError(f"not a patient record of version {VERSION}: {record[:1]!r}, {len(record)} bytes")
    return int(_HEAD.unpack_from(record)[1])


def encode(table: PatientTable, row: int, keys: list[int]) -> bytes:
    """Return the record of a row; `keys` are the `alarm_key` of the table's alarms in order."""
    devices = np.flatnonzero(table.device_used[row] >= 0)
    signals = np.flatnonzero((table.newest_ms[row] >= 0) | (table.lost_ms[row] >= 0))
    alarms = np.flatnonzero((table.alarm_state[row] != 0) | (table.alarm_onset_ms[row] >= 0))
    windows = table.windows
    slots = np.flatnonzero(windows.bucket[row] >= 0)
    position = max(table.processed, int(table.position[row]))
    parts = [
        _HEAD.pack(
            VERSION,
            position,
            table.seen_ms[row],
            table.ticked_ms[row],
            table.interval_ms[row],
            len(devices),
            len(signals),
            len(alarms),
            len(slots),
        )
    ]
    for d in devices.tolist():
        parts.append(
            _DEVICE.pack(
                table.device[row, d],
                table.device_high[row, d],
                table.device_used[row, d],
                *_seen_words(int(table.device_high[row, d]), table.device_lap[row, d]),
                table.device_event_ms[row, d],
                table.device_append_ms[row, d],
            )
        )
    for s in signals.tolist():
        parts.append(
            _SIGNAL.pack(
                s, table.value[row, s], table.newest_ms[row, s], table.value_ms[row, s], table.lost_ms[row, s]
            )
        )
    for a in alarms.tolist():
        parts.append(
            _ALARM.pack(
                keys[a],
                table.alarm_state[row, a],
                table.alarm_priority[row, a],
                table.alarm_events[row, a],
                table.alarm_onset_ms[row, a],
                table.alarm_clear_ms[row, a],
                table.alarm_told_ms[row, a],
                table.alarm_extreme[row, a],
            )
        )
    block = np.ix_(slots, signals)
    parts.append(windows.bucket[row, slots].tobytes())
    parts += [
        column[row][block].tobytes() for column in (windows.count, windows.sum, windows.low, windows.high)
    ]
    return b"".join(parts)


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
        ValueError: not a record of this version, or cut short.
    """
    position_of(record)
    try:
        return _decode(record, table, row, alarm_of)
    except (struct.error, ValueError, IndexError) as error:
        raise ValueError(f"patient record of {len(record)} bytes is damaged: {error}") from error


def _decode(record: bytes, table: PatientTable, row: int, alarm_of: dict[int, int]) -> list[int]:
    _, position, seen, ticked, interval, devices, n_signals, alarms, n_slots = _HEAD.unpack_from(record)
    at = _HEAD.size
    for d in range(min(devices, DEVICES)):
        name, high, used, word0, word1, event_ms, append_ms = _DEVICE.unpack_from(
            record, at + d * _DEVICE.size
        )
        table.device[row, d], table.device_high[row, d], table.device_used[row, d] = name, high, used
        table.device_lap[row, d] = _laps(high, word0, word1)
        table.device_event_ms[row, d], table.device_append_ms[row, d] = event_ms, append_ms
    at += devices * _DEVICE.size
    signals = []
    for _ in range(n_signals):
        s, table_value, newest, value_ms, lost = _SIGNAL.unpack_from(record, at)
        table.value[row, s], table.newest_ms[row, s] = table_value, newest
        table.value_ms[row, s], table.lost_ms[row, s] = value_ms, lost
        signals.append(s)
        at += _SIGNAL.size
    unknown = []
    for _ in range(alarms):
        key, *fields = _ALARM.unpack_from(record, at)
        at += _ALARM.size
        a = alarm_of.get(key)
        if a is None:
            unknown.append(key)
            continue
        table.alarm_state[row, a], table.alarm_priority[row, a], table.alarm_events[row, a] = fields[:3]
        table.alarm_onset_ms[row, a], table.alarm_clear_ms[row, a] = fields[3:5]
        table.alarm_told_ms[row, a], table.alarm_extreme[row, a] = fields[5:]
    _decode_windows(record, at, table, row, signals, n_slots)
    table.position[row], table.seen_ms[row], table.ticked_ms[row] = position, seen, ticked
    table.interval_ms[row] = interval
    return unknown


def _decode_windows(
    record: bytes, at: int, table: PatientTable, row: int, signals: list[int], slots: int
) -> None:
    windows = table.windows
    bucket = np.frombuffer(record, np.int32, slots, at)
    at += bucket.nbytes
    place = bucket % SLOTS
    windows.bucket[row, place] = bucket
    block = np.ix_(place, np.array(signals, dtype=np.int64))
    windows.low[row, place] = np.iinfo(np.uint16).max
    for column in (windows.count, windows.sum, windows.low, windows.high):
        values = np.frombuffer(record, column.dtype, slots * len(signals), at)
        column[row][block] = values.reshape(slots, len(signals))
        at += values.nbytes
    if at != len(record):
        raise ValueError(f"{len(record) - at} bytes too many")


_AGO: Final = np.arange(SEEN)


def _seen_words(high: int, laps: NDArray[np.uint16]) -> tuple[int, int]:
    """Return which of `high`, `high - 1`, ... were seen, as two words of 64 bits."""
    seq = high - _AGO
    seen = (seq >= 0) & (laps[seq % SEEN] == lap(seq))
    packed = np.packbits(seen, bitorder="little").tobytes()
    return int.from_bytes(packed[:8], "little"), int.from_bytes(packed[8:], "little")


def _laps(high: int, word0: int, word1: int) -> NDArray[np.uint16]:
    packed = np.frombuffer(word0.to_bytes(8, "little") + word1.to_bytes(8, "little"), np.uint8)
    seen = np.unpackbits(packed, bitorder="little").astype(np.bool_)
    laps = np.zeros(SEEN, dtype=np.uint16)
    seq = (high - _AGO)[seen]
    laps[seq % SEEN] = lap(seq)
    return laps


def size_max(alarms: int) -> int:
    """Return the size of the largest possible record, bytes."""
    cells = SLOTS * COUNT * (2 + 4 + 2 + 2)
    return (
        _HEAD.size + DEVICES * _DEVICE.size + COUNT * _SIGNAL.size + alarms * _ALARM.size + SLOTS * 4 + cells
    )
