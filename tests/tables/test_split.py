"""A changelog that is split: each patient is in one new partition with all that was known, and is judged on."""

from dataclasses import replace

import numpy as np
import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st
from logs import worlds
from test_record import random_table, read, record_of, seeds
from worker_model import WorkerModel

from clinical.defaults import DEFAULT_RULES
from clinical.limits import NEVER
from streams.contracts.partitions import canary_name, partition_name, partition_of
from tables.changelog.column_store import ColumnStore
from tables.changelog.progress import END_KEY, NOTHING, Progress, decode_progress, packed
from tables.changelog.record import encode
from tables.changelog.record_layout import alarm_key, encode_gone, position_of
from tables.changelog.split import Whole, homes, rebased, split, strangers
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
    table.position[row] = position
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
    found = list(split(whole, 1, 4, 12))
    assert sorted(key for _, key, _ in found if key != END_KEY.encode()) == sorted(
        p.encode() for p in table.row_of
    )
    ends = {home: decode_progress(value) for home, key, value in found if key == END_KEY.encode()}
    assert ends == dict.fromkeys((1, 5, 9), Progress(NEVER, 5_000, 0))
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


def of(patient, home, count):
    return patient.startswith("~") or partition_of(patient, count) == home


def renumbered(log, home, count):
    """Return the records of a log that concern a new partition, at offsets from 0 on."""
    kept = [record for record in log if of(record.key.decode(), home, count)]
    return [replace(record, offset=2 * place) for place, record in enumerate(kept)]


@given(worlds(), st.integers(0, 150), st.integers(2, 5))
def test_patients_are_judged_on_after_a_split_as_by_one_judge_of_the_whole_log(world, cut, count):
    time, log = world
    old = WorkerModel(DEFAULT_RULES, time)
    old.take(log[:cut])
    old.checkpoint()
    whole = whole_of(old.changelog.records)
    assert whole.missing(old.committed) == ""
    parts = list(split(whole, 0, 1, count))
    for home in range(count):
        new, plain = WorkerModel(DEFAULT_RULES, time), WorkerModel(DEFAULT_RULES, time)
        new.changelog.records = [(key.decode(), value) for to, key, value in parts if to == home]
        new.restart()
        new.take(renumbered(log[cut:], home, count))
        plain.take(renumbered(log, home, count))
        before = {name: alert for name, alert in old.alerts.items() if of(alert.patient, home, count)}
        told = [name for name in before if not before[name].patient.startswith("~")] + list(new.alerts)
        assert len(told) == len(set(told))  # nothing is told twice
        assert before | new.alerts == plain.alerts
        assert {**new.state()}.keys() == {**plain.state()}.keys()
