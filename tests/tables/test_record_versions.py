"""Records of the version before are read as what they said, with nothing added."""

import struct

import numpy as np
import pytest
from hypothesis import given
from test_record import ALARMS, random_table, read, record_of, seeds

from clinical.limits import NEVER
from tables.record_layout import encode_gone, is_gone, position_of

ALARM_BYTES_NOW, ALARM_BYTES_BEFORE = 64, 46
DEVICE_BYTES_NOW, DEVICE_BYTES_BEFORE = 57, 56
HEAD_BYTES_NOW, HEAD_BYTES_BEFORE = 36, 33


def as_before(record):
    """Return a record without profile, limits and commands as version 1 wrote it."""
    devices, signals, alarms, _, *others = record[29:36]
    assert not any(others)
    signals_at = HEAD_BYTES_NOW + devices * DEVICE_BYTES_NOW
    known = [record[HEAD_BYTES_NOW + i * DEVICE_BYTES_NOW :][:DEVICE_BYTES_BEFORE] for i in range(devices)]
    begin = signals_at + signals * 33
    cut = [record[begin + i * ALARM_BYTES_NOW :][:ALARM_BYTES_BEFORE] for i in range(alarms)]
    rest = record[begin + alarms * ALARM_BYTES_NOW :]
    head = b"\x01" + record[1:HEAD_BYTES_BEFORE]
    return head + b"".join(known) + record[signals_at:begin] + b"".join(cut) + rest


def plain_table(seed):
    """A table in which nobody has what version 1 did not know."""
    table = random_table(seed)
    row = table.row_of["bed-1"]
    table.alarm_step[:] = table.alarm_answer[:] = 0
    table.alarm_asked_ms[:] = NEVER
    table.alarm_area[:] = table.device_clock[:] = 0
    for name in (
        "own_limits",
        "age_band",
        "scale2",
        "discharged",
        "pause",
        "pause_rank",
        "commands",
        "lost_ward_events",
    ):
        getattr(table, name)[row] = 0
    table.lost_ward_events[row] = 0
    for name in ("since_ms", "pause_ms", "pause_until_ms", "lost_ward_ms", "lost_ward_told_ms"):
        getattr(table, name)[row] = NEVER
    table.oxygen[row], table.ward[row] = np.nan, b""
    table.alarm_low[row] = table.alarm_high[row] = np.nan
    return table


@given(seeds)
def test_a_record_of_version_1_is_read_as_what_it_said(seed):
    record = record_of(plain_table(seed))
    before = as_before(record)
    assert position_of(before) == position_of(record)
    again, unknown = read(before)
    assert record_of(again) == record
    assert unknown == []


@given(seeds)
def test_a_cut_record_of_version_1_is_refused(seed):
    before = as_before(record_of(plain_table(seed)))
    for length in {len(before) - 1, len(before) // 2, HEAD_BYTES_BEFORE - 1}:
        with pytest.raises(ValueError, match="record"):
            read(before[:length])


def test_a_record_of_version_1_may_say_that_a_patient_is_gone():
    before = struct.pack("<Bqqqi4B", 1, 41, NEVER, 0, 0, 0, 0, 0, 0)
    assert is_gone(before)
    assert position_of(before) == 41
    assert is_gone(encode_gone(41))
    assert not is_gone(record_of(random_table(3)))
    assert len(ALARMS) == 4
