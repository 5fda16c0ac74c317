"""A changelog that is split: each patient is in one new partition with all that was known, and is judged on."""

import numpy as np
import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st
from test_record import random_table, read, record_of, seeds

from clinical.limits import NEVER
from streams.contracts.partition_names import canary_name, partition_name
from streams.contracts.partitions import partition_of
from tables.changelog.column_store import ColumnStore
from tables.changelog.partition_split import Whole, homes, rebased, split, strangers
from tables.changelog.progress import END_KEY, NOTHING, Progress, decode_progress, packed
from tables.changelog.record import encode
from tables.changelog.record_layout import alarm_key, encode_gone, position_of
from tables.device_rows import DeviceRows
from tables.patients import PatientTable

names = st.text("abcdef0123456789-.:", min_size=1, max_size=20)


def whole_of(entries):
    whole = Whole()
    for patient, record in entries:
        whole.take(patient, record)
    return whole


@given(st.lists(names, min_size=1, max_size=30), st.integers(1, 64), st.integers(2, 12))
def test_a_patient_goes_where_kafkas_own_hash_says_and_that_is_a_child_of_the_partition(
    patients, partitions, factor
):
    count = partitions * factor
    for patient in patients:
        before = partition_of(patient, partitions)
        (home,) = homes([patient], before, count)
        everywhere = list(range(count))
        assert home == DefaultPartitioner()(patient.encode(), everywhere, everywhere)
        assert home % partitions == before


def test_what_is_a_partitions_own_stays_whatever_its_hash_says():
    own = [partition_name(3), canary_name(3)]
    assert homes(own, 3, 96) == [3, 3]
    assert strangers(own, 3, 4) == []


def test_patients_of_another_partitioner_are_named_for_nobody_knows_where_they_go():
    placed = [f"bed-{n}" for n in range(40)]
    there = [patient for patient in placed if partition_of(patient, 4) == 1]
    assert strangers(placed, 1, 4) == [patient for patient in placed if patient not in there]


def record(position, gone=False):
    if gone:
        return encode_gone(position)
    table = PatientTable(("hr-high",))
    row = table.row("somebody")
    table.position[row], table.since_ms[row] = position, 5  # of whom nothing is known, is gone
    return encode(table, np.array([row]), np.array([alarm_key("hr-high")], np.uint64))[0]


KINDS = {
    "held": record,
    "gone": lambda position: record(position, gone=True),
    "deleted": lambda position: None,
}
RECORDS = {(kind, position): KINDS[kind](position) for kind in KINDS for position in range(6)}


@given(
    st.lists(st.tuples(st.sampled_from(("bed-1", "bed-2")), st.sampled_from(sorted(RECORDS))), max_size=14)
)
def test_the_records_that_count_are_those_that_a_recovery_takes(course):
    entries = [(patient, RECORDS[which]) for patient, which in course]
    store = ColumnStore(lambda: PatientTable(("hr-high",)))
    for patient, value in entries:
        store.apply(0, patient, value)
    found = whole_of(entries).state
    table = store.state(0)
    assert {patient: position_of(value) for patient, value in found.items()} == {
        patient: int(table.position[row]) for patient, row in table.row_of.items()
    }


@given(seeds)
def test_a_record_says_all_that_it_said_but_of_offsets_that_all_lie_before(seed):
    table = random_table(seed)
    for row in table.occupied().tolist():
        table.born[row] = 17
    before = record_of(table)
    (old, _), (new, unknown) = read(before), read(rebased(before))
    assert unknown == []
    at, to = old.row_of["bed-1"], new.row_of["bed-1"]
    assert (int(new.position[to]), int(new.born[to])) == (NEVER, NEVER)
    for name in set(PatientTable.COLUMNS) - {
        "position",
        "born",
        "slots",
        "last_slot",
        "last_number",
        "dirty",
    }:
        np.testing.assert_array_equal(getattr(old, name)[at], getattr(new, name)[to], name)
    slots, others = old.slots[at], new.slots[to]
    for name in set(DeviceRows.COLUMNS) - {"used", "owner"}:
        left, right = getattr(old.devices, name)[slots], getattr(new.devices, name)[others]
        np.testing.assert_array_equal(left, right, name)
    known = slots[slots != 0]
    used, now = old.devices.used[known], new.devices.used[others[others != 0]]
    assert (now < 0).all()  # before all that comes
    np.testing.assert_array_equal(np.sign(used[:, None] - used), np.sign(now[:, None] - now))


def test_a_record_that_is_split_twice_is_the_same():
    once = rebased(record_of(random_table(7)))
    assert rebased(once) == once


def test_the_state_of_a_partition_is_found_once_in_its_children_each_of_which_ends_whole():
    table = random_table(3)
    keys = np.array([alarm_key(alarm) for alarm in table.alarms], np.uint64)
    entries = [(patient, encode(table, np.array([row]), keys)[0]) for patient, row in table.row_of.items()]
    whole = whole_of([*entries, (END_KEY, packed(Progress(90, 5_000, 4)))])
    found = list(split(whole, 0, 1, 3))
    assert sorted(key for _, key, _ in found if key != END_KEY.encode()) == sorted(
        p.encode() for p in table.row_of
    )
    ends = {home: decode_progress(value) for home, key, value in found if key == END_KEY.encode()}
    assert ends == dict.fromkeys(range(3), Progress(NEVER, 5_000, 0))
    last = {home: key for home, key, _ in found}
    assert set(last.values()) == {END_KEY.encode()}


@pytest.mark.parametrize(
    ("entries", "committed", "said"),
    [
        ([], 0, ""),
        ([], 3, "reaches to -1, committed is 3"),
        ([(END_KEY, packed(Progress(9, 1, 0)))], 10, ""),
        ([(END_KEY, packed(Progress(9, 1, 0)))], 8, "reaches to 9, committed is 8"),
        ([("bed-1", record(9)), (END_KEY, packed(Progress(9, 1, 0)))], 10, ""),
        ([(END_KEY, packed(Progress(9, 1, 0))), ("bed-1", record(12))], 10, "a record reaches to 12"),
        ([(END_KEY, packed(Progress(9, 1, 0))), ("bed-1", record(12, True))], 10, "a record reaches to 12"),
        ([(END_KEY, None)], 0, ""),
    ],
)
def test_only_the_state_of_a_checkpoint_that_is_committed_is_split(entries, committed, said):
    missing = whole_of(entries).missing(committed)
    assert said in missing
    assert bool(missing) == bool(said)


def test_nothing_read_is_no_progress():
    assert whole_of([]).progress == NOTHING
