"""A patient table with two alarms for tests, and its records as recovery hands them over."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
from faust.types import TP

from streams.lane.block import Block
from tables.changelog.column_store import ColumnStore
from tables.changelog.record import encode
from tables.changelog.record_layout import alarm_key
from tables.device_rows import NOBODY
from tables.patients import PatientTable

ALARMS = ("hr-high", "spo2-low")
DEVICE = 7
"""Name of the device that measures."""

CHANGELOG = "vigil-patients-changelog"
KEYS = np.array([alarm_key(alarm) for alarm in ALARMS], dtype=np.uint64)


def new_store(alarms=ALARMS, **told):
    return ColumnStore(lambda: PatientTable(alarms, len(alarms)), **told)


def judge(table, patient, offset, rate=80.0, alarm_since_ms=None):
    """Make a frame with a heart rate part of the table's state, and an alarm that is open since then."""
    row = table.row(patient)
    device, devices = device_of(table, row), table.devices
    devices.heard_ms[device] = devices.newest_ms[device, 0] = devices.value_ms[device, 0] = offset * 1000
    devices.value[device, 0] = rate
    if alarm_since_ms is not None:
        table.alarm_state[row, 0], table.alarm_onset_ms[row, 0] = 1, alarm_since_ms
    table.dirty[row] = True
    table.processed = max(table.processed, offset)


def device_of(table, row):
    """Return the row of the patient's only device."""
    if table.slots[row, 0] == NOBODY:
        table.slots[row, 0] = table.devices.take_row(row, DEVICE)
    return table.slots[row, 0]


def rate_of(table, patient):
    """Return the patient's last heart rate, None for one that is not in the table."""
    row = table.row_of.get(patient)
    return None if row is None else float(table.devices.value[table.slots[row, 0], 0])


def record(patient="bed-1", position=10, rate=80.0, **more):
    """Return a patient's record whose state reaches up to `position`."""
    table = PatientTable(ALARMS, len(ALARMS))
    judge(table, patient, position, rate, **more)
    return encode(table, np.array([table.row(patient)]), KEYS)[0]


def feed(store, *entries, partition=0, offset=0):
    """Hand (key, record) entries to the store as recovery does, from this changelog offset on."""
    batch = [
        SimpleNamespace(
            message=SimpleNamespace(partition=partition, offset=offset + i, key=key.encode(), value=value)
        )
        for i, (key, value) in enumerate(entries)
    ]
    store.apply_changelog_batch(batch, None, None)


def feed_blocks(store, entries, cuts):
    """Hand (key, record) entries of partition 0 to the store in blocks that are cut at these places."""
    records = [
        SimpleNamespace(offset=offset, timestamp=0, key=key.encode(), value=value)
        for offset, (key, value) in enumerate(entries)
    ]
    bounds = [0, *sorted(min(cut, len(records)) for cut in cuts), len(records)]
    for begin, end in pairwise(bounds):
        if begin < end:
            block = Block(CHANGELOG, 0, records[begin:end])
            message = SimpleNamespace(partition=0, offset=block.offset, key=None, value=block)
            store.apply_changelog_batch([SimpleNamespace(message=message)], None, None)


def changelog(*partitions):
    return {TP(CHANGELOG, partition) for partition in partitions}


def enter(windows, rows, ts_ms, values):
    """Enter frames with values (n, signals) into windows; NaN and -inf are no readings."""
    frame, signal = np.nonzero(np.isfinite(values))
    return windows.enter(rows, ts_ms, frame, signal, values[frame, signal])
