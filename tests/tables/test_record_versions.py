"""Records of the version before are read as what they said; what they lacked is as in an empty row."""

import struct

import numpy as np
import pytest
from hypothesis import given
from test_record import ALARMS, random_table, read, record_of, seeds

from clinical.limits import NEVER
from tables.patients import PatientTable
from tables.record_layout import (
    ALARM,
    ALARM_BEFORE,
    CELL_BYTES,
    DEVICE,
    DEVICE_BEFORE,
    HEAD,
    HEAD_BEFORE,
    LIMIT,
    PROFILE,
    PROFILE_BEFORE,
    SIGNAL,
    encode_gone,
    is_gone,
    position_of,
)


def as_before(record):
    """Return a record as version 2 wrote it: without the fields that it did not know."""
    head = np.frombuffer(record, HEAD, 1)
    slots, signals = int(head["slots"][0]), int(head["signals"][0])
    plain = slots * 4 + slots * int(head["windowed"][0]) * sum(CELL_BYTES)
    rest = int(head["limits"][0]) * LIMIT.itemsize + int(head["commands"][0]) * 8
    sections = (
        (DEVICE, DEVICE_BEFORE, int(head["devices"][0])),
        (SIGNAL, SIGNAL, signals),
        (ALARM, ALARM_BEFORE, int(head["alarms"][0])),
        (np.dtype("u1"), np.dtype("u1"), plain),
        (PROFILE, PROFILE_BEFORE, int(head["profiles"][0])),
        (np.dtype("u1"), np.dtype("u1"), rest),
    )
    parts, begin = [narrowed(head, HEAD_BEFORE)], HEAD.itemsize
    for now, before, count in sections:
        end = begin + count * now.itemsize
        entries = np.frombuffer(record[begin:end], now).copy()
        if now is PROFILE:
            entries["own_limits"] |= entries["scale2"]  # limits follow the ordered target now
        parts.append(narrowed(entries, before))
        begin = end
    assert begin == len(record)
    parts[4] = with_cells_of_all(parts[4], slots, int(head["windowed"][0]), signals)
    return b"\x02" + b"".join(parts)[1:]


def with_cells_of_all(windows, slots, measured, signals):
    """Return window slots as version 2 wrote them: what is charted or reported had cells too."""
    begin, parts = slots * 4, [windows[: slots * 4]]
    for width in CELL_BYTES:
        end = begin + slots * measured * width
        cells = np.frombuffer(windows[begin:end], np.uint8).reshape(slots, measured * width)
        parts.append(np.pad(cells, ((0, 0), (0, (signals - measured) * width)), constant_values=7).tobytes())
        begin = end
    return b"".join(parts)


def narrowed(entries, layout):
    if layout.names is None:
        return entries.tobytes()
    old = np.zeros(len(entries), layout)
    for name in set(layout.names) & set(entries.dtype.names):
        old[name] = entries[name]
    return old.tobytes()


@given(seeds)
def test_a_record_of_version_2_is_read_as_what_it_said(seed):
    record = record_of(random_table(seed))
    before = as_before(record)
    assert position_of(before) == position_of(record)
    again, unknown = read(before)
    assert as_before(record_of(again)) == before
    assert unknown == []


def test_limits_of_version_2_follow_the_ordered_target_and_an_age_that_was_said_is_known():
    table = PatientTable(ALARMS)
    for patient, age_band, scale2 in (("bed-1", 0, True), ("bed-2", 3, False)):
        row = table.row(patient)
        table.age_band[row], table.scale2[row], table.since_ms[row] = age_band, scale2, 7
    found = {}
    for patient in ("bed-1", "bed-2"):
        again, _ = read(as_before(record_of(table, patient)))
        row = again.row_of["bed-1"]
        found[patient] = bool(again.own_limits[row]), bool(again.age_known[row])
    assert found == {"bed-1": (True, False), "bed-2": (False, True)}


@given(seeds)
def test_a_cut_record_of_version_2_is_refused(seed):
    before = as_before(record_of(random_table(seed)))
    for length in {len(before) - 1, len(before) // 2, HEAD_BEFORE.itemsize - 1}:
        with pytest.raises(ValueError, match="record"):
            read(before[:length])


def test_a_record_of_version_2_may_say_that_a_patient_is_gone():
    before = struct.pack("<Bqqqi7B", 2, 41, NEVER, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    assert is_gone(before)
    assert position_of(before) == 41
    assert is_gone(encode_gone(41))
    assert not is_gone(record_of(random_table(3)))
    assert len(ALARMS) == 4
