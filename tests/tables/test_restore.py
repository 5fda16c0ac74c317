"""Where judging goes on: state that is whole, that ends too early, that is gone, and that a worker still holds."""

import asyncio

from faust.types import TP
from table_model import CHANGELOG, feed, judge, new_store, rate_of, record

from clinical.limits import NEVER
from tables.changelog.progress import END_KEY, encode_progress
from tables.changelog.restore import Restorer
from tables.patients import PatientTable


class Recovered:
    """A store after recovery, and the changelog's first offset."""

    def __init__(self, begins=0):
        self.store, self.begins, self.rebuilt = new_store(), begins, []
        self.given_up = False

    def feed(self, *entries, offset=0):
        feed(self.store, *entries, offset=offset)

    def resume_at(self, committed):
        if self.given_up:
            self.store.give_up(0)
        return Restorer(self.store, CHANGELOG, self.rebuilt.append).resume_at(
            {0: committed}, {0: self.begins}
        )[0]

    @property
    def table(self):
        return self.store.state(0)


def end(processed, whole_from=0, ticked_ms=NEVER):
    table = PatientTable(())
    table.processed, table.whole_from, table.ticked_until_ms = processed, whole_from, ticked_ms
    return END_KEY, encode_progress(table)


def test_state_that_reaches_the_committed_offset_goes_on_from_there():
    worker = Recovered()
    worker.feed(("bed-1", record(position=39)), end(39))
    assert worker.resume_at(40) == 40
    assert worker.rebuilt == []
    assert rate_of(worker.table, "bed-1") == 80.0


def test_state_that_reaches_further_than_what_was_committed_reads_again_and_skips():
    worker = Recovered()
    worker.feed(("bed-1", record(position=59)), end(59))
    assert worker.resume_at(40) == 40
    assert worker.rebuilt == []


def test_a_group_that_never_committed_begins_at_the_first_record():
    worker = Recovered()
    assert worker.resume_at(0) == 0
    worker.feed(("bed-1", record(position=9)))
    assert worker.resume_at(0) == 0
    assert rate_of(worker.table, "bed-1") == 80.0
    assert worker.rebuilt == []


def test_without_the_end_of_a_checkpoint_the_state_is_built_again_from_the_first_record():
    worker = Recovered()
    assert worker.resume_at(40) == 0
    assert worker.rebuilt == [0]


def test_state_that_was_not_read_to_its_end_is_built_again_from_the_first_record():
    worker = Recovered()
    worker.feed(("bed-1", record(position=25)), end(29))
    worker.given_up = True
    assert worker.resume_at(40) == 0
    assert worker.rebuilt == [0]
    assert len(worker.table) == 0


def test_state_that_ends_before_the_committed_offset_goes_on_from_its_own_end():
    worker = Recovered()
    worker.feed(("bed-1", record(position=25)), end(29))
    assert worker.resume_at(40) == 30
    assert worker.rebuilt == [0]
    assert rate_of(worker.table, "bed-1") == 80.0


def test_a_changelog_of_which_the_beginning_was_deleted_is_not_trusted_though_it_has_an_end():
    worker = Recovered(begins=100)
    worker.feed(("bed-1", record(position=39)), end(39), offset=100)
    assert worker.resume_at(40) == 0
    assert worker.rebuilt == [0]
    assert len(worker.table) == 0


def test_state_that_was_built_again_is_trusted_from_where_its_records_begin():
    worker = Recovered(begins=100)
    assert worker.resume_at(40) == 0
    judge(worker.table, "bed-1", 60)
    _, record_of_the_end = END_KEY, encode_progress(worker.table)
    successor = Recovered(begins=100)
    successor.feed(("bed-1", record(position=60)), (END_KEY, record_of_the_end), offset=100)
    assert successor.resume_at(61) == 61
    assert successor.rebuilt == []
    assert rate_of(successor.table, "bed-1") == 80.0


def test_a_worker_that_dies_while_it_builds_again_leaves_its_successor_what_it_had():
    worker = Recovered(begins=100)
    worker.feed(("bed-1", record(position=19)), end(19, whole_from=100), offset=100)
    assert worker.resume_at(40) == 20
    assert worker.table.whole_from == 100


def test_ticks_that_a_deleted_state_had_judged_are_judged_again_by_the_one_built_anew():
    worker = Recovered(begins=100)
    worker.feed(("bed-1", record(position=39)), end(39, ticked_ms=500_000), offset=100)
    assert worker.resume_at(40) == 0
    judge(worker.table, "bed-1", 5)
    worker.table.ticked_ms[worker.table.row("bed-1")] = worker.table.ticked_until_ms = 6_000
    worker.feed(end(45, ticked_ms=510_000), offset=102)  # of one who has not heard that it was deleted
    asyncio.run(worker.store.on_recovery_completed({TP(CHANGELOG, 0)}, set()))  # it stays with this worker
    assert worker.table.ticked_until_ms == 6_000
    assert worker.table.ticked_ms[worker.table.row("bed-1")] == 6_000
    worker.feed(end(9, whole_from=100, ticked_ms=9_000), offset=103)
    assert worker.resume_at(46) == 10  # its own end counts


def test_a_worker_that_still_holds_the_state_writes_all_of_it_when_its_records_were_deleted():
    worker = Recovered()
    for bed in ("bed-1", "bed-2"):
        judge(worker.table, bed, 39)
    worker.table.dirty[:] = False
    assert worker.resume_at(40) == 40
    assert not worker.table.dirty.any()
    worker.begins = 100
    assert worker.resume_at(40) == 40
    assert worker.table.dirty[worker.table.occupied()].all()
    assert worker.table.whole_from == 100
    assert worker.rebuilt == []


def test_a_worker_that_held_the_partition_before_another_goes_on_with_what_that_one_wrote():
    worker = Recovered()
    judge(worker.table, "bed-1", 20)
    worker.feed(("bed-1", record(position=39, rate=120.0)), end(39), offset=7)
    assert worker.resume_at(40) == 40
    assert rate_of(worker.table, "bed-1") == 120.0


def test_an_empty_changelog_counts_as_read_up_to_where_it_begins():
    worker = Recovered(begins=100)
    worker.resume_at(0)
    assert worker.store.persisted_offset(TP(CHANGELOG, 0)) == 99
    worker.feed(("bed-1", record()), offset=100)
    worker.resume_at(0)
    assert worker.store.persisted_offset(TP(CHANGELOG, 0)) == 100
