"""Checkpoints in turns: each partition's, with a commit, until the worker ends."""

import asyncio
from types import SimpleNamespace

from agents.wiring import checkpoint_in_turns


def turns_until(stop_after):
    """Return what is checkpointed and committed when the app stops after so many checkpoints."""
    log = []
    app = SimpleNamespace(should_stop=False, consumer=SimpleNamespace())

    async def checkpoint(partition):
        log.append(partition)
        app.should_stop = len([entry for entry in log if entry != "commit"]) == stop_after

    async def commit():
        log.append("commit")

    app.consumer.commit = commit
    overview = SimpleNamespace(owned=lambda: {2, 0, 1})
    checkpointer = SimpleNamespace(checkpoint=checkpoint)
    asyncio.run(asyncio.wait_for(checkpoint_in_turns(app, overview, checkpointer, 0.03), 10))
    return log


def test_every_partition_has_its_turn_and_what_became_durable_is_committed():
    assert turns_until(4) == [0, "commit", 1, "commit", 2, "commit", 0, "commit"]


def test_a_worker_that_ends_writes_nothing_more_for_it_hands_over():
    assert turns_until(1) == [0, "commit"]
