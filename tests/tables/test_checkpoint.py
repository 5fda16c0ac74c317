"""The checkpoint: alerts before records before offsets, and nothing durable by half."""

import asyncio

import pytest
from checkpoint_model import turns, with_worker
from faust.types import TP
from table_model import CHANGELOG, feed, judge, new_store, rate_of, record

from tables.changelog import checkpoint as checkpoints
from tables.changelog.progress import END_KEY, decode_progress
from tables.partition_life import Event


def be_judging(partition):
    partition.on(Event.RECOVER)
    partition.on(Event.RESUME)


def test_records_wait_for_alerts_and_the_offset_waits_for_records():
    async def test(worker):
        judge(worker.table, "bed-1", 41)
        worker.broker.hold.clear()
        await worker.publisher.publish("alerts", b"bed-1", b"alert")
        checkpoint = asyncio.ensure_future(worker.checkpoint())
        await turns()
        assert worker.broker.arrived == []
        assert worker.publisher.outstanding == 1
        worker.broker.hold.set()
        await checkpoint
        topics = [(topic, key) for topic, _, key, _ in worker.broker.arrived]
        assert topics == [
            ("alerts", b"bed-1"),
            (CHANGELOG, b"bed-1"),
            (CHANGELOG, END_KEY.encode()),
            ("durable", b"42"),
        ]
        assert worker.durable == [(0, 42)]

    with_worker(test)


def test_alerts_that_are_published_during_a_checkpoint_arrive_before_records_that_contain_them(monkeypatch):
    monkeypatch.setattr(checkpoints, "CHUNK", 1)

    async def test(worker):
        first, second = asyncio.Event(), asyncio.Event()
        worker.broker.late = {b"first": first, b"second": second}
        for bed in ("bed-1", "bed-2"):
            judge(worker.table, bed, 10)
        await worker.publisher.publish("alerts", b"bed-1", b"first")
        checkpoint = asyncio.ensure_future(worker.checkpoint())
        await turns()
        async with worker.store.whole_blocks:
            judge(worker.table, "bed-2", 11, alarm_since_ms=11_000)
            await worker.publisher.publish("alerts", b"bed-2", b"second")
        first.set()
        await turns(50)
        assert worker.written() == []
        second.set()
        await checkpoint
        assert worker.written() == ["bed-1", "bed-2"]
        assert worker.durable == [(0, 11)]

    with_worker(test)


def test_state_is_not_looked_at_in_the_middle_of_a_block():
    async def test(worker):
        judge(worker.table, "bed-1", 10)
        async with worker.store.whole_blocks:
            checkpoint = asyncio.ensure_future(worker.checkpoint())
            await turns()
            judge(worker.table, "bed-1", 12, rate=99.0)
        await checkpoint
        assert worker.durable == [(0, 13)]
        copy = new_store()
        feed(copy, *worker.broker.changelog())
        assert rate_of(copy.state(0), "bed-1") == 99.0

    with_worker(test)


@pytest.mark.parametrize("refused", ["alerts", CHANGELOG])
def test_nothing_is_durable_when_the_broker_refuses(refused):
    async def test(worker):
        judge(worker.table, "bed-1", 41)
        worker.broker.refuse = refused
        await worker.publisher.publish("alerts", b"bed-1", b"alert")
        await worker.checkpoint()
        assert worker.durable == []
        assert any("checkpoint of partition 0" in failure for failure in worker.failures)

    with_worker(test)


def test_nothing_is_durable_when_the_broker_is_late():
    async def test(worker):
        judge(worker.table, "bed-1", 41)
        worker.broker.hold.clear()
        await worker.publisher.publish("alerts", b"bed-1", b"alert")
        await worker.checkpoint()
        assert worker.durable == []
        assert any("have not arrived within" in failure for failure in worker.failures)
        worker.broker.hold.set()
        await turns()

    with_worker(test, timeout_s=0.05)


def test_nothing_is_durable_when_sending_itself_fails():
    async def test(worker):
        judge(worker.table, "bed-1", 41)

        async def broken(*_):
            raise ConnectionError("no broker")

        worker.publisher._send_batch = broken
        await worker.checkpoint()
        assert worker.durable == []
        assert any("no broker" in failure for failure in worker.failures)

    with_worker(test)


def test_only_patients_that_changed_are_written():
    async def test(worker):
        for bed in ("bed-1", "bed-2", "bed-3"):
            judge(worker.table, bed, 10)
        await worker.checkpoint()
        assert worker.written() == ["bed-1", "bed-2", "bed-3"]
        judge(worker.table, "bed-2", 20)
        await worker.checkpoint()
        assert worker.written()[3:] == ["bed-2"]
        assert worker.durable == [(0, 11), (0, 21)]

    with_worker(test)


def test_a_checkpoint_in_which_nobody_changed_still_moves_the_offset_and_the_ticks():
    async def test(worker):
        worker.table.processed, worker.table.ticked_until_ms = 7, 60_000
        await worker.checkpoint()
        ((key, record),) = worker.broker.changelog()
        assert (key, decode_progress(record)) == (END_KEY, (7, 60_000, 0))
        assert worker.durable == [(0, 8)]

    with_worker(test)


def test_a_partition_that_has_judged_nothing_is_left_alone():
    async def test(worker):
        worker.store.state(0)
        await worker.checkpoint(0)
        await worker.checkpoint(1)
        assert worker.broker.arrived == []

    with_worker(test)


@pytest.mark.parametrize("patients", [checkpoints.CHUNK - 1, checkpoints.CHUNK, checkpoints.CHUNK + 1])
def test_every_patient_is_written_once_however_many_there_are(patients):
    async def test(worker):
        beds = [f"bed-{number}" for number in range(patients)]
        for bed in beds:
            judge(worker.table, bed, 10)
        await worker.checkpoint()
        assert worker.written() == beds
        assert not worker.table.dirty.any()

    with_worker(test)


@pytest.mark.parametrize(("slack", "durable"), [(0, [(0, 11)]), (-1, [])])
def test_a_record_at_the_bound_is_written_and_one_beyond_it_stops_the_worker(monkeypatch, slack, durable):
    async def test(worker):
        judge(worker.table, "bed-1", 10)
        monkeypatch.setattr(checkpoints, "RECORD_BYTES_MAX", len(worker.store["bed-1"]) + slack)
        await worker.checkpoint()
        assert worker.durable == durable
        assert bool(worker.failures) == (durable == [])

    with_worker(test)


def test_all_partitions_are_written_before_they_are_given_up():
    async def test(worker):
        for partition in (2, 0, 1):
            be_judging(worker.store.partition(partition))
            judge(worker.store.state(partition), f"bed-{partition}", 10 + partition)
        await worker.checkpointer.hand_over()
        assert worker.durable == [(0, 11), (1, 12), (2, 13)]
        assert [worker.written(partition) for partition in range(3)] == [["bed-0"], ["bed-1"], ["bed-2"]]

    with_worker(test)


def test_what_is_handed_over_twice_is_written_as_it_is_by_then():
    async def test(worker):
        be_judging(worker.store.partition(0))
        judge(worker.table, "bed-1", 10)
        await worker.checkpointer.hand_over()
        judge(worker.table, "bed-2", 11)  # the block that was in hand
        await worker.checkpointer.hand_over()
        assert worker.durable == [(0, 11), (0, 12)]
        assert worker.written() == ["bed-1", "bed-2"]

    with_worker(test)


def test_what_is_being_recovered_again_is_not_handed_over_for_somebody_else_may_have_judged_on():
    async def test(worker):
        partition = worker.store.partition(0)
        be_judging(partition)
        judge(worker.table, "bed-1", 10)
        await worker.checkpointer.hand_over()
        partition.on(Event.ASSIGN)
        partition.on(Event.READ)
        await worker.checkpointer.hand_over()
        assert worker.durable == [(0, 11)]
        assert worker.written() == ["bed-1"]

    with_worker(test)


def test_the_end_of_the_checkpoint_is_the_last_record_and_where_recovery_goes_on():
    async def test(worker):
        judge(worker.table, "bed-1", 10)
        await worker.checkpoint()
        assert worker.broker.changelog()[-1][0] == END_KEY
        assert worker.store.persisted_offset(TP(CHANGELOG, 0)) == worker.broker.ends[CHANGELOG, 0] - 1

    with_worker(test)


def test_how_long_it_took_is_told():
    async def test(worker):
        judge(worker.table, "bed-1", 10)
        await worker.checkpoint()
        assert len(worker.took) == 1
        assert worker.took[0] >= 0

    with_worker(test)


def test_what_another_worker_wrote_is_answered_with_all_that_this_one_knows_and_read_at_the_next_recovery():
    async def test(worker):
        for bed in ("bed-1", "bed-2"):
            judge(worker.table, bed, 20)
        await worker.checkpoint()
        read = worker.store.persisted_offset(TP(CHANGELOG, 0))
        await (
            await worker.broker.send_batch(CHANGELOG, 0, [(b"bed-1", record(position=5)), (b"bed-2", None)])
        )
        judge(worker.table, "bed-1", 21)
        await worker.checkpoint()
        assert worker.store.persisted_offset(TP(CHANGELOG, 0)) == read
        worker.broker.arrived.clear()
        await worker.checkpoint()
        assert worker.written() == ["bed-1", "bed-2"]
        worker.broker.arrived.clear()
        await worker.checkpoint()
        assert worker.written() == []
        assert worker.store.persisted_offset(TP(CHANGELOG, 0)) == read

    with_worker(test)


def test_checkpoints_that_nobody_disturbs_write_only_what_changed():
    async def test(worker):
        for bed in ("bed-1", "bed-2"):
            judge(worker.table, bed, 20)
        for offset in (21, 22, 23):
            await worker.checkpoint()
            worker.broker.arrived.clear()
            judge(worker.table, "bed-1", offset)
            worker.drop("bed-9")
        await worker.checkpoint()
        assert worker.written() == ["bed-9", "bed-1", "bed-9"]
        assert worker.store.persisted_offset(TP(CHANGELOG, 0)) == worker.broker.ends[CHANGELOG, 0] - 1

    with_worker(test)


def test_a_row_that_went_to_a_patient_of_another_partition_meanwhile_is_not_written():
    async def test(worker):
        judge(worker.table, "bed-1", 10)
        judge(worker.table, "bed-2", 11)
        worker.broker.hold.clear()
        await worker.publisher.publish("alerts", b"bed-1", b"alert")
        checkpoint = asyncio.ensure_future(worker.checkpoint())
        await turns()
        row = worker.table.row_of["bed-1"]
        worker.table.drop("bed-1")
        other = worker.store.state(1)
        judge(other, "bed-9", 5)
        assert other.row_of == {"bed-9": row}
        worker.broker.hold.set()
        await checkpoint
        assert worker.written() == ["bed-2"]
        await worker.checkpoint(1)
        assert worker.written(1) == ["bed-9"]

    with_worker(test)
