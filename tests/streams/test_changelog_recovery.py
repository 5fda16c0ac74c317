"""Faust's recovery over changelog blocks: it ends exactly at the end, whatever the blocks, gaps and ends look like."""

import asyncio
from itertools import pairwise
from types import SimpleNamespace

import pytest
from faust.types import TP
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.config.settings import Settings
from streams.lane.app import PATIENTS_TABLE, create_app
from streams.lane.block import Block
from streams.lane.block_table import BlockTable
from streams.lane.fetched import Stretch
from streams.lane.lane import BlockScheduler
from tables.changelog.column_store import ColumnStore
from tables.patients import PatientTable

CHANGELOG = "vigil-patients-changelog"
ONE, TWO = TP(CHANGELOG, 0), TP(CHANGELOG, 1)
DEADLINE_S = 5.0

offsets = st.lists(st.integers(0, 59), unique=True, max_size=25).map(sorted)


class Recovered:
    """A table of a worker whose recovery is fed by hand; `applied` are the offsets that reached its store."""

    def __init__(self):
        app = create_app(Settings(brokers="127.0.0.1:1", group="vigil"))
        store = ColumnStore(lambda: PatientTable(("hr-high",)))
        self.table = app.tables.add(BlockTable(app, name=PATIENTS_TABLE, store=store))
        self.app, self.recovery = app, app.tables.recovery
        self.applied = {ONE: [], TWO: []}
        self.table.data.apply_changelog_batch = self._apply

    def _apply(self, batch, to_key, to_value):
        for event in batch:
            assert isinstance(event.message.value, Block)
            self.applied[event.message.tp] += [record.offset for record in event.message.value.value]

    def begin(self, ends, standby=()):
        """Make recovery wait for these ends, as it does once it has asked the broker; from the beginning."""
        recovery = self.recovery
        for tp, end in ends.items():
            (recovery.add_standby if tp in standby else recovery.add_active)(self.table, tp)
            highwaters = recovery.standby_highwaters if tp in standby else recovery.active_highwaters
            read = recovery.standby_offsets if tp in standby else recovery.active_offsets
            highwaters[tp], read[tp] = end - 1, -1
        recovery._set_recovery_started()

    async def slurp(self, fetches, done):
        """Let recovery read what was fetched until `done` holds."""
        recovery, queue = self.recovery, self.app.tables.changelog_queue
        events = []
        for fetched in fetches:
            for tp, block in BlockScheduler(self.app.transport.lane).iterate(fetched):
                message = SimpleNamespace(tp=tp, offset=block.offset, value=block)
                events.append(SimpleNamespace(message=message))
        self.app.flow_control.resume()
        task = asyncio.ensure_future(type(recovery)._slurp_changelogs.fun(recovery))
        try:
            for event in events:
                await asyncio.wait_for(queue.put(event), DEADLINE_S)
            async with asyncio.timeout(DEADLINE_S):
                while not done():  # noqa: ASYNC110 - what recovery reached has no event of its own
                    await asyncio.sleep(0)
        finally:
            task.cancel()


def records(found, tp=ONE):
    made = [SimpleNamespace(offset=o, timestamp=0, topic=tp.topic, partition=tp.partition) for o in found]
    return Stretch(made, made[0].offset, made[-1].offset + 1)


def in_fetches(found, cuts, tp=ONE):
    """Cut records into fetches of one partition."""
    bounds = [0, *sorted(cut % (len(found) + 1) for cut in cuts), len(found)]
    parts = [found[a:b] for a, b in pairwise(bounds)]
    return [{tp: records(part, tp)} for part in parts if part]


def run(recovered, fetches, done):
    asyncio.run(recovered.slurp(fetches, done))


@settings(max_examples=50, deadline=None)
@given(kept=offsets, end=st.integers(61, 63), cuts=st.lists(st.integers(0, 25), max_size=4))
def test_recovery_ends_when_the_last_record_came_wherever_blocks_are_cut_and_compaction_left_gaps(
    kept, end, cuts
):
    recovered = Recovered()
    recovered.begin({ONE: end})
    found = [*kept, end - 1]  # the newest record of a log is never compacted: the end of a checkpoint
    assert recovered.recovery.need_recovery()
    run(recovered, in_fetches(found, cuts), lambda: not recovered.recovery.in_recovery)
    assert recovered.applied[ONE] == found
    assert recovered.recovery.active_remaining_total() == 0


@settings(max_examples=50, deadline=None)
@given(kept=offsets.filter(bool), cuts=st.lists(st.integers(0, 25), max_size=4))
def test_recovery_does_not_end_before_the_last_record_came(kept, cuts):
    recovered = Recovered()
    recovered.begin({ONE: kept[-1] + 2})
    fetches = in_fetches(kept, cuts)
    run(recovered, fetches, lambda: recovered.recovery.active_offsets[ONE] == kept[-1])
    assert recovered.recovery.in_recovery
    assert recovered.recovery.active_remaining_total() == 1


def test_recovery_waits_for_every_partition():
    recovered = Recovered()
    recovered.begin({ONE: 4, TWO: 3})
    fetches = [{ONE: records(range(4))}, {TWO: records(range(2), TWO)}]
    run(recovered, fetches, lambda: recovered.recovery.active_offsets[TWO] == 1)
    assert recovered.recovery.in_recovery
    run(recovered, [{TWO: records([2], TWO)}], lambda: not recovered.recovery.in_recovery)
    assert recovered.applied == {ONE: [0, 1, 2, 3], TWO: [0, 1, 2]}


def test_recovery_ends_at_a_marker_of_a_transaction_too():
    recovered = Recovered()
    recovered.begin({ONE: 5})
    fetches = [{ONE: records([0, 1])}, {ONE: Stretch([], 2, 5)}]
    run(recovered, fetches, lambda: not recovered.recovery.in_recovery)
    assert recovered.applied[ONE] == [0, 1]


def test_an_empty_changelog_needs_no_recovery():
    recovered = Recovered()
    recovered.begin({ONE: 0})
    assert not recovered.recovery.need_recovery()


def test_a_block_that_ends_beyond_the_end_that_was_asked_for_ends_recovery_too():
    recovered = Recovered()
    recovered.begin({ONE: 3})
    run(recovered, [{ONE: records(range(6))}], lambda: not recovered.recovery.in_recovery)
    assert recovered.applied[ONE] == [*range(6)]


def test_blocks_that_recovery_collects_are_applied_before_it_ends():
    recovered = Recovered()
    assert recovered.table.recovery_buffer_size > 1
    recovered.begin({ONE: 2})
    run(recovered, [{ONE: records([0, 1])}], lambda: not recovered.recovery.in_recovery)
    assert recovered.applied[ONE] == [0, 1]


def test_the_changelog_of_an_owned_partition_is_not_read_on_after_recovery():
    """With a buffer of one record Faust resumes it, and a worker would apply what it has just written itself."""
    assert Recovered().table.recovery_buffer_size != 1


def test_a_standby_is_applied_block_by_block_and_counts_as_read():
    recovered = Recovered()
    recovered.begin({TWO: 5}, standby={TWO})
    run(
        recovered,
        [{TWO: records([0, 3], TWO)}, {TWO: records([4], TWO)}],
        lambda: len(recovered.applied[TWO]) == 3,
    )
    assert recovered.recovery.standby_remaining_total() == 0


@pytest.mark.parametrize("again", [range(2, 6), range(4, 6)])
def test_what_was_read_before_a_rebalance_does_not_hold_the_next_recovery_back(again):
    recovered = Recovered()
    recovered.begin({ONE: 6})
    recovered.recovery.active_offsets[ONE] = 3
    run(recovered, [{ONE: records(again)}], lambda: not recovered.recovery.in_recovery)
    assert recovered.applied[ONE] == [*again]
