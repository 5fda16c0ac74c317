"""Checkpoints in turns: each partition's, with a commit, until the worker ends or its partitions change."""

import asyncio

import pytest
from checkpoint_model import Worker


class Ended(Exception):
    """The test has seen enough."""


def turns_until(stop_after, then=None):
    """Return what is checkpointed and committed when after so many checkpoints others are owned, None = nobody's."""
    log = []

    async def run():
        worker = Worker()
        lane = worker.lane
        lane.ours = {2, 0, 1}
        commit = lane.commit

        async def checkpoint(partition):
            log.append(partition)
            if len([entry for entry in log if entry != "commit"]) == stop_after:
                lane.ours = then

        async def commit_and_note():
            await commit()
            log.append("commit")

        def owned():
            if len(log) > 2 * stop_after + 2 or (lane.ours is None and len(log) >= 2 * stop_after):
                raise Ended
            return lane.ours and frozenset(lane.ours)

        worker.checkpointer.checkpoint, lane.commit, lane.owned = checkpoint, commit_and_note, owned
        await asyncio.wait_for(worker.checkpointer.in_turns(0.03), 10)

    with pytest.raises(Ended):
        asyncio.run(run())
    return log


def test_every_partition_has_its_turn_and_what_became_durable_is_committed():
    assert turns_until(4) == [0, "commit", 1, "commit", 2, "commit", 0, "commit"]


def test_a_worker_that_ends_writes_nothing_more_for_it_hands_over():
    assert turns_until(1) == [0, "commit"]


def test_a_partition_that_went_elsewhere_meanwhile_has_no_turn():
    assert turns_until(1, then={0, 2})[:4] == [0, "commit", 2, "commit"]


def test_a_partition_that_is_judged_since_has_its_turn_before_the_interval_is_over(monkeypatch):
    """In a recovery partitions begin one after the other: the first must not have the others wait."""
    log, slept = [], []

    async def sleep(seconds):
        slept.append(seconds)
        worker.lane.ours = {0, 1}

    async def checkpoint(partition):
        log.append(partition)
        if partition == 1:
            raise Ended

    worker = Worker()
    worker.lane.ours = {0}
    worker.checkpointer.checkpoint = checkpoint
    monkeypatch.setattr("tables.changelog.checkpoint.asyncio.sleep", sleep)
    with pytest.raises(Ended):
        asyncio.run(worker.checkpointer.in_turns(10.0))
    assert slept == [
        2.5,
        2.5,
        2.5,
    ]  # not four times before the other has its turn, and half an interval between them
    assert log == [0, 0, 1]
