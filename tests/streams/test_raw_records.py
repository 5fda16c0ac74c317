"""Records as places in bytes read like the objects that they stand for, also when cut, joined or given other times."""

from types import SimpleNamespace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.decoding.raw_records import RawRecords, joined

PIECES = st.none() | st.binary(max_size=5)
RECORDS = st.lists(
    st.builds(
        SimpleNamespace, offset=st.integers(0, 99), timestamp=st.integers(0, 99), key=PIECES, value=PIECES
    ),
    max_size=6,
)


def said(records):
    return [(record.offset, record.timestamp, record.key, record.value) for record in records]


@given(RECORDS)
def test_each_record_says_what_it_said_as_an_object(records):
    assert said(RawRecords.of(records)) == said(records)


@given(RECORDS, st.slices(6))
def test_a_cut_is_that_of_the_objects(records, cut):
    assert said(RawRecords.of(records)[cut]) == said(records[cut])


@given(st.lists(RECORDS, min_size=1, max_size=3))
def test_stretches_follow_one_another(stretches):
    whole = [record for records in stretches for record in records]
    assert said(joined([RawRecords.of(records) for records in stretches])) == said(whole)


@given(RECORDS, st.integers(0, 6))
def test_cuts_of_one_stretch_are_joined_without_copying_its_bytes(records, at):
    raw = RawRecords.of(records)
    together = joined([raw[:at], raw[at:]])
    assert said(together) == said(records)
    assert together.data is raw.data


def test_other_times_leave_the_first_ones_as_they_were():
    raw = RawRecords.of([SimpleNamespace(offset=1, timestamp=5, key=b"k", value=b"v")])
    assert said(raw.with_times(np.array([9]))) == [(1, 9, b"k", b"v")]
    assert raw.times.tolist() == [5]


def test_an_empty_piece_is_another_than_none():
    raw = RawRecords.of([SimpleNamespace(offset=1, timestamp=5, key=b"", value=None)])
    assert said(raw) == [(1, 5, b"", None)]
