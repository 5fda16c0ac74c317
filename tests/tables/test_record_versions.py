"""Records of the version before are read as what they said; what they lacked is as in an empty row."""

import struct

import numpy as np
import pytest
from hypothesis import given
from test_record import ALARMS, random_table, read, record_of, seeds

from clinical.limits import NEVER
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
    plain = slots * 4 + slots * signals * CELL_BYTES
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
        parts.append(narrowed(np.frombuffer(record[begin:end], now), before))
        begin = end
    assert begin == len(record)
    return b"\x02" + b"".join(parts)[1:]


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
