"""The patient table as recovery fills it: what counts, what is too late, what is ours."""

import asyncio

import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st
from table_model import CHANGELOG, changelog, feed, feed_blocks, judge, new_store, rate_of, record

from clinical.limits import NEVER
from tables.changelog.progress import END_KEY, encode_progress
from tables.changelog.record_layout import encode_gone
from tables.patients import PatientTable


def recovered(store, *partitions):
    asyncio.run(store.on_recovery_completed(changelog(*partitions), set()))


def end_of_checkpoint(processed, ticked_ms):
    table = PatientTable(())
    table.processed, table.ticked_until_ms = processed, ticked_ms
    return END_KEY, encode_progress(table)


def test_records_become_state_in_the_partition_they_came_from():
    store = new_store()
    feed(store, ("bed-1", record("bed-1", rate=120.0, alarm_since_ms=7_000)), partition=0)
    feed(store, ("bed-2", record("bed-2", rate=60.0)), partition=1)
    assert (rate_of(store.state(0), "bed-1"), rate_of(store.state(1), "bed-2")) == (120.0, 60.0)
    assert (rate_of(store.state(0), "bed-2"), len(store)) == (None, 2)
    row = store.state(0).row_of["bed-1"]
    assert (store.state(0).alarm_state[row, 0], store.state(0).alarm_onset_ms[row, 0]) == (1, 7_000)
    assert set(store) == {"bed-1", "bed-2"}


def test_what_was_recovered_needs_no_writing():
    store = new_store()
    feed(store, ("bed-1", record()))
    assert not store.state(0).dirty.any()


@given(st.lists(st.integers(0, 5), max_size=3))
def test_a_patient_who_is_gone_is_forgotten_and_so_is_that_once_deleted_wherever_blocks_are_cut(cuts):
    store = new_store()
    bed_1 = [("bed-1", record("bed-1")), ("bed-1", encode_gone(20)), ("bed-1", None)]
    feed_blocks(store, [*bed_1, ("bed-2", record("bed-2")), ("bed-3", None)], cuts)
    assert set(store) == {"bed-2"}
    assert store.state(0).gone == {}


def test_a_patient_who_is_gone_is_remembered_until_that_is_deleted():
    store = new_store()
    feed(store, ("bed-1", record("bed-1")), ("bed-1", encode_gone(20)), ("bed-2", record("bed-2")))
    recovered(store, 0)
    assert store.state(0).gone == {"bed-1": 20}
    assert store.state(0).replay_until == 20
    assert store.state(0).reach(["bed-1", "bed-2", "bed-3"]).tolist() == [20, 10, NEVER]
    assert set(store) == {"bed-2"}


@given(st.lists(st.integers(0, 4), max_size=3))
def test_what_a_worker_deleted_after_it_lost_the_partition_is_kept_and_written_again(cuts):
    store = new_store()
    late = [("bed-1", encode_gone(20)), ("bed-1", None)]
    feed_blocks(store, [("bed-1", record("bed-1", position=50)), *late], cuts)
    assert set(store) == {"bed-1"}
    assert store.state(0).dirty[store.state(0).row_of["bed-1"]]


@given(st.permutations([("bed-1", record(position=10)), ("bed-1", encode_gone(20))]))
def test_a_record_from_before_a_patient_was_dropped_does_not_bring_him_back(entries):
    store = new_store()
    feed(store, *entries)
    assert set(store) == set()


@given(
    entries=st.lists(
        st.tuples(st.sampled_from(["bed-1", "bed-2"]), st.sampled_from([5, 10, 20, 21, -20, None])),
        max_size=12,
    ),
    cuts=st.lists(st.integers(0, 12), max_size=5),
)
def test_a_changelog_means_the_same_in_blocks_as_record_by_record(entries, cuts):
    log = [(bed, None if p is None else record(bed, p) if p > 0 else encode_gone(-p)) for bed, p in entries]
    single, blocks = new_store(), new_store()
    feed(single, *log)
    feed_blocks(blocks, log, cuts)
    for store in (single, blocks):
        recovered(store, 0)
    assert {bed: single[bed] for bed in single} == {bed: blocks[bed] for bed in blocks}
    assert single.state(0).gone == blocks.state(0).gone


@given(st.lists(st.integers(0, 4), max_size=3))
def test_a_patient_who_was_deleted_twice_is_gone_in_any_cut(cuts):
    store = new_store()
    feed_blocks(
        store, [("bed-1", record(position=5)), ("bed-1", encode_gone(20)), *[("bed-1", None)] * 2], cuts
    )
    assert (set(store), store.state(0).gone, store.state(0).deleted) == (set(), {}, {"bed-1": 20})


@given(st.permutations([3, 7, 20, 21]))
def test_of_several_records_of_a_patient_the_one_that_reaches_furthest_wins_in_any_order(positions):
    store = new_store()
    feed(store, *[("bed-1", record(position=position, rate=float(position))) for position in positions])
    assert rate_of(store.state(0), "bed-1") == 21.0
    assert store.state(0).position[0] == 21


def test_a_record_that_a_worker_wrote_after_it_lost_the_partition_changes_nothing():
    store = new_store()
    judge(store.state(0), "bed-1", 50, rate=90.0)
    feed(store, ("bed-1", record(position=40, rate=200.0)))
    assert rate_of(store.state(0), "bed-1") == 90.0


def test_a_late_record_does_not_bring_back_a_patient_whom_this_worker_dropped_and_deleted_and_is_deleted_too():
    store = new_store()
    judge(store.state(0), "bed-1", 50)
    store.state(0).drop("bed-1")
    feed(store, ("bed-1", record(position=40)), ("bed-2", record("bed-2", position=51)))
    assert set(store) == {"bed-2"}
    assert store.state(0).gone == {"bed-1": 50}


@given(st.lists(st.integers(0, 5), max_size=3))
def test_a_late_record_behind_a_deletion_does_not_bring_the_patient_back_and_is_deleted_too(cuts):
    store = new_store()
    gone = [("bed-1", encode_gone(20)), ("bed-1", None), ("bed-1", record(position=10))]
    feed_blocks(
        store, [*gone, ("bed-2", encode_gone(20)), ("bed-2", None), ("bed-2", record("bed-2", 30))], cuts
    )
    assert set(store) == {"bed-2"}
    assert store.state(0).gone == {"bed-1": 20}
    recovered(store, 0)
    assert store.state(0).deleted == {}


def test_a_patient_whose_older_record_stands_later_is_written_again_or_compaction_would_keep_that_one():
    store = new_store()
    feed(store, ("bed-1", record(position=30)), ("bed-2", record("bed-2")), ("bed-1", record(position=20)))
    table = store.state(0)
    assert [bool(table.dirty[table.row_of[bed]]) for bed in ("bed-1", "bed-2")] == [True, False]
    feed(store, ("bed-1", record(position=31)), offset=3)
    assert not table.dirty[table.row_of["bed-1"]]


def test_a_record_replaces_all_of_the_older_one():
    store = new_store()
    feed(store, ("bed-1", record(position=5, alarm_since_ms=3_000)), ("bed-1", record(position=6)))
    table = store.state(0)
    assert table.alarm_state[table.row_of["bed-1"], 0] == 0
    assert len(table) == 1


def test_alarms_whose_rule_is_gone_are_counted_and_the_patient_kept():
    store = new_store(alarms=("spo2-low",))
    feed(store, ("bed-1", record(alarm_since_ms=3_000)))
    assert store.forgotten_alarms == 1
    assert rate_of(store.state(0), "bed-1") == 80.0


@pytest.mark.parametrize("damaged", [b"", b"\x09 of another version", record()[:-1]])
def test_a_record_that_cannot_be_read_stops_the_worker_and_says_where_it_is(damaged):
    failures = []
    store = new_store(on_failure=failures.append)
    feed(store, ("bed-1", damaged), partition=3, offset=17)
    assert len(failures) == 1
    assert "partition 3, offset 17" in failures[0]
    assert "bed-1" not in failures[0]


def test_when_recovery_is_complete_partitions_of_others_are_forgotten():
    store = new_store()
    for partition in (0, 1, 2):
        feed(store, ("bed-1", record()), partition=partition, offset=5)
    recovered(store, 0, 2)
    assert set(store.partitions) == {0, 2}
    offsets = [store.persisted_offset(TP(CHANGELOG, partition)) for partition in range(3)]
    assert offsets == [5, None, 5]


def test_standby_partitions_are_kept():
    store = new_store()
    feed(store, ("bed-1", record()))
    asyncio.run(store.on_recovery_completed(set(), changelog(0)))
    assert set(store.partitions) == {0}


def test_when_recovery_is_complete_the_table_knows_how_far_a_replay_may_know_its_frames():
    store = new_store()
    feed(store, ("bed-1", record("bed-1", position=10)), ("bed-2", record("bed-2", position=30)))
    recovered(store, 0)
    table = store.state(0)
    assert table.replay_until == 30
    assert [table.position[table.row_of[bed]] for bed in ("bed-1", "bed-2")] == [10, 30]
    assert table.processed == NEVER


def test_state_that_was_kept_reaches_as_far_as_the_table_has_judged():
    store = new_store()
    feed(store, ("bed-1", record(position=10)))
    recovered(store, 0)
    store.state(0).processed = 44
    recovered(store, 0)
    assert store.state(0).position[store.state(0).row_of["bed-1"]] == 44
    assert store.state(0).replay_until == 44


def test_the_end_of_a_checkpoint_says_which_ticks_its_patients_have_had():
    store = new_store()
    early, late = record("early", position=10), record("late", position=25)
    feed(store, ("early", early), ("late", late), end_of_checkpoint(20, 60_000))
    recovered(store, 0)
    table = store.state(0)
    assert table.ticked_until_ms == 60_000
    assert table.ticked_ms[table.row_of["early"]] == 60_000
    assert table.ticked_ms[table.row_of["late"]] == NEVER
    assert "~end" not in store


def test_an_older_end_of_a_checkpoint_does_not_undo_a_newer_one():
    store = new_store()
    feed(store, ("bed-1", record()), end_of_checkpoint(20, 60_000), end_of_checkpoint(15, 50_000))
    recovered(store, 0)
    assert store.state(0).ticked_until_ms == 60_000


def test_the_persisted_offset_is_the_last_record_applied_or_written():
    store = new_store()
    tp = TP(CHANGELOG, 0)
    assert store.persisted_offset(tp) is None
    feed(store, ("bed-1", record()), ("bed-2", record("bed-2")), offset=8)
    assert store.persisted_offset(tp) == 9
    store.set_persisted_offset(tp, 12)
    store.set_persisted_offset(tp, 11)
    assert store.persisted_offset(tp) == 12
    store.reset_state()
    assert (store.persisted_offset(tp), len(store)) == (None, 0)


def test_a_patients_value_is_the_record_that_would_be_written():
    store = new_store()
    feed(store, ("bed-1", record(rate=111.0)))
    copy = new_store()
    feed(copy, ("bed-1", store["bed-1"]))
    assert rate_of(copy.state(0), "bed-1") == 111.0
    with pytest.raises(KeyError):
        store["bed-2"]


def test_patients_change_by_judging_alone():
    store = new_store()
    with pytest.raises(TypeError, match="judging"):
        store["bed-1"] = b""
    with pytest.raises(TypeError, match="judging"):
        del store["bed-1"]


def test_every_block_that_recovery_reads_is_told():
    told = []
    store = new_store(on_read=lambda: told.append(len(store)))
    feed(store, ("bed-1", record()), ("bed-2", record("bed-2")))
    assert told == [1, 2]
