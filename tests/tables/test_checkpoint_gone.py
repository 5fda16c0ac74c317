"""Patients who were dropped: written as gone, deleted when no replay can bring their frames again."""

import asyncio

from checkpoint_model import turns, with_worker
from table_model import feed, judge, new_store

from tables.changelog.record_layout import encode_gone


def test_patients_who_were_dropped_are_written_as_gone_and_deleted_once_that_is_committed():
    async def test(worker):
        worker.lane.committed = 0
        for bed in ("bed-1", "bed-2"):
            judge(worker.table, bed, 10)
        await worker.checkpoint()
        worker.table.drop("bed-1")
        worker.drop("bed-1")
        for _ in range(2):
            await worker.checkpoint()
            assert None not in [value for _, value in worker.broker.changelog()]
        assert worker.broker.changelog()[-3] == ("bed-1", encode_gone(10))
        worker.lane.committed = 11
        await worker.checkpoint()
        await worker.checkpoint()
        assert [entry for entry in worker.broker.changelog() if entry[1] is None] == [("bed-1", None)]
        copy = new_store()
        feed(copy, *worker.broker.changelog())
        assert set(copy) == {"bed-2"}

    with_worker(test)


def test_a_dropped_patient_who_came_back_is_written_and_not_deleted():
    async def test(worker):
        judge(worker.table, "bed-1", 10)
        worker.table.drop("bed-1")
        worker.drop("bed-1")
        judge(worker.table, "bed-1", 12)
        await worker.checkpoint()
        assert [key for key, value in worker.broker.changelog() if value is None] == []
        assert worker.written() == ["bed-1"]

    with_worker(test)


def test_a_patient_who_is_dropped_while_the_checkpoint_waits_is_written_as_gone_with_it():
    async def test(worker):
        judge(worker.table, "bed-1", 10)
        worker.broker.hold.clear()
        await worker.publisher.publish("alerts", b"bed-1", b"alert")
        checkpoint = asyncio.ensure_future(worker.checkpoint())
        await turns()
        worker.table.drop("bed-1")
        worker.drop("bed-1")
        worker.broker.hold.set()
        await checkpoint
        assert worker.failures == []
        assert worker.broker.changelog()[0] == ("bed-1", encode_gone(10))
        await worker.checkpoint()
        assert worker.broker.changelog()[-2] == ("bed-1", None)

    with_worker(test)


def test_a_patient_who_is_dropped_while_the_checkpoint_waits_and_comes_back_is_written_with_it():
    async def test(worker):
        judge(worker.table, "bed-1", 10)
        await worker.checkpoint()
        judge(worker.table, "bed-1", 11)
        worker.broker.hold.clear()
        await worker.publisher.publish("alerts", b"bed-1", b"alert")
        checkpoint = asyncio.ensure_future(worker.checkpoint())
        await turns()
        worker.table.drop("bed-1")
        worker.drop("bed-1")
        judge(worker.table, "bed-1", 12)
        worker.broker.hold.set()
        await checkpoint
        copy = new_store()
        feed(copy, *worker.broker.changelog())
        assert copy.state(0).position[0] == 12

    with_worker(test)
