"""Partitions go on as soon as their own state is whole, and what has begun is left alone when the others follow."""

import asyncio
import inspect
from types import SimpleNamespace

import pytest
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.types import TP
from lane_model import LOG, ONE, READINGS, TWO, answer, block, expected, records, with_consumer
from test_changelog_recovery import CHANGELOG, Recovered
from test_changelog_recovery import records as changelog_records

from streams.config.settings import Settings
from streams.lane.app import create_app
from streams.lane.early_start import EarlyStart, PartitionwiseRecovery

OTHER = TP(CHANGELOG, 1)
COMMANDS = TP("vitals.commands", 0)


class Early:
    """Stands in for the early start; `told` is what recovery said, and what the table had been given by then."""

    def __init__(self, recovered):
        self.recovered, self.told, self.begun = recovered, [], set()

    def is_news(self, whole):
        return not whole <= self.begun

    def note(self, whole):
        self.begun |= whole
        self.told.append(
            (set(whole), {tp.partition: list(found) for tp, found in self.recovered.applied.items()})
        )


def recovering(ends):
    recovered = Recovered()
    recovered.app.consumer.early = Early(recovered)
    recovered.begin(ends)
    return recovered, recovered.app.consumer.early


def test_a_partition_of_whose_changelog_there_is_nothing_to_read_goes_on_before_any_other_is_read():
    recovered, early = recovering({LOG: 0, OTHER: 3})
    assert recovered.recovery.need_recovery()
    assert early.told == [({0}, {0: [], 1: []})]


def test_a_partition_goes_on_when_all_that_was_read_of_it_is_in_its_state_though_others_are_not():
    recovered, early = recovering({LOG: 2, OTHER: 9})
    assert recovered.recovery.need_recovery()
    assert early.told == []
    fetches = [{LOG: changelog_records([0, 1], LOG)}, {OTHER: changelog_records([0, 4], OTHER)}]
    asyncio.run(recovered.slurp(fetches, lambda: recovered.recovery.active_offsets[OTHER] == 4))
    assert early.told == [({0}, {0: [0, 1], 1: []})]
    assert recovered.recovery.in_recovery


def test_when_nothing_is_to_be_read_nobody_begins_early():
    recovered, early = recovering({LOG: 0, OTHER: 0})
    assert not recovered.recovery.need_recovery()
    assert early.told == []


def test_the_last_partitions_end_the_recovery_and_do_not_begin_early():
    recovered, early = recovering({LOG: 2})
    fetches = [{LOG: changelog_records([0, 1], LOG)}]
    asyncio.run(recovered.slurp(fetches, lambda: not recovered.recovery.in_recovery))
    assert early.told == []


def test_faust_asks_before_it_reads_and_after_each_record_whether_there_is_more_to_recover():
    """If it does no longer, partitions that stay wait for those that move."""
    whole = inspect.getsource(Recovery._restart_recovery.fun)
    seek, asked, read = (
        whole.index(step)
        for step in ("self._seek_offsets", "if self.need_recovery()", "consumer.resume_partitions")
    )
    assert seek < asked < read
    assert "not self.need_recovery()" in inspect.getsource(Recovery._slurp_changelogs.fun)
    assert inspect.getsource(Recovery._slurp_changelogs.fun).count("await _maybe_signal_recovery_end()") == 1


def test_an_app_recovers_partition_by_partition_as_fausts_tables_make_their_recovery():
    app = create_app(Settings(brokers="127.0.0.1:1", group="vigil"))
    assert type(app.tables.recovery) is PartitionwiseRecovery
    assert app.tables.recovery is app.tables.recovery
    made = " ".join(inspect.getsource(TableManager.recovery.fget).split())
    assert "self._recovery = Recovery( self.app, self, beacon=self.beacon, loop=self.loop )" in made


def opened(early):
    """Have it believe recovery, as once partitions were assigned and their changelogs' ends are known."""
    early.assigned()
    early.open()
    return early


def begun_early(*offsets):
    """Run with a consumer of which partition 0 has begun early and 1 has not; `offsets` are committed."""

    def decorate(test):
        async def run(consumer, broker):
            consumer.told = []
            answer(
                consumer,
                recovered=lambda partition: consumer.told.append(("recovered", partition)),
                resume_at=lambda committed, begins: consumer.told.append(committed) or committed,
            )
            broker.committed = dict(zip((ONE, TWO), offsets, strict=True))
            consumer.pause_partitions({ONE, TWO})
            opened(consumer.early).note({0})
            await consumer.early.settled()
            await test(consumer, broker)

        with_consumer(run)

    return decorate


def test_what_begins_early_is_recovered_first_and_read_from_where_its_state_ends():
    @begun_early(40, 7)
    async def test(consumer, broker):
        assert consumer.told == [("recovered", 0), {0: 40}]
        assert expected(consumer) == {ONE: 40}
        assert broker.seeks == [{ONE: 40}]
        assert consumer._get_active_partitions() >= {ONE}
        assert TWO not in consumer._get_active_partitions()
        assert consumer.committed(ONE) == 40
        assert consumer.begun_early(READINGS) == {0}
        assert consumer.begun_early(COMMANDS.topic) == frozenset()


def test_the_end_of_the_recovery_seeks_the_others_and_has_what_has_begun_go_on_where_it_is():
    @begun_early(40, 7)
    async def test(consumer, broker):
        assert len(await consumer.admit(block(40, 44))) == 5
        broker.committed = {ONE: 900, TWO: 7}
        broker.seeks.clear()
        await asyncio.create_task(consumer.perform_seek())
        assert not consumer.flow_active
        assert expected(consumer) == {ONE: 45, TWO: 7}
        assert broker.seeks == [{ONE: 45}]
        assert consumer.told == [("recovered", 0), {0: 40}, {1: 7}]
        assert await consumer.admit(block(46, 48)) is None  # what the emptied queue held is read again
        assert len(await consumer.admit(block(45, 48, rewinds=broker.rewinds))) == 4


def test_records_that_come_while_the_flow_has_stopped_are_read_again_of_what_has_begun_too():
    @begun_early(40, 7)
    async def test(consumer, broker):
        async def getmany(*_):
            consumer.stop_flow()
            return {ONE: records(40, 41)}

        broker.getmany, told = getmany, list(consumer.told)
        broker.seeks.clear()
        assert [found async for found in consumer.getmany(0.1)] == []
        assert broker.seeks == [{ONE: 40}]
        assert consumer.told == told


def test_what_the_group_takes_back_has_not_begun_any_more():
    @begun_early(40, 7)
    async def test(consumer, broker):
        await consumer.on_partitions_revoked({ONE, TWO})
        assert consumer.begun_early(READINGS) == frozenset()
        assert consumer.early.ends == 1


def test_a_beginning_is_given_up_when_the_group_takes_the_partitions_back_meanwhile():
    async def test(consumer, broker):
        asked = asyncio.Event()

        async def never(tps):
            asked.set()
            await asyncio.Event().wait()

        answer(consumer, recovered=lambda partition: None)
        broker.seek_to_committed = never
        opened(consumer.early).note({0})
        await asked.wait()
        await consumer.on_partitions_revoked({ONE})
        assert consumer.begun_early(READINGS) == frozenset()
        assert broker.seeks == []

    with_consumer(test)


def test_of_what_has_begun_the_changelog_is_not_read_on():
    """What this worker writes itself would come back, and look as if another one had written it."""

    @begun_early(40, 7)
    async def test(consumer, broker):
        assert LOG in consumer._paused_partitions
        assert LOG not in consumer._get_active_partitions()


def test_a_worker_that_ends_begins_nothing_any_more():
    @begun_early(40, 7)
    async def test(consumer, broker):
        await consumer.wait_empty()
        consumer.early.open()
        consumer.early.note({0, 1})
        assert consumer.early.begun == set()
        assert consumer.begun_early(READINGS) == frozenset()


@pytest.mark.parametrize("busy_s", [0.0, 0.02])
@pytest.mark.parametrize("steps", range(4))
def test_what_recovery_says_after_the_group_took_the_partitions_back_is_not_believed(steps, busy_s):
    """Faust's recovery reads on until the next assignment, with what it knew of the last one."""
    recovered = Recovered()
    recovered.applied[LOG] = []

    async def test(consumer, broker):
        app, recovery, told = recovered.app, recovered.recovery, []

        async def revoked(tps):  # in the order of Faust's `_on_partitions_revoked`
            app.tables.on_partitions_revoked(tps)
            consumer.stop_flow()
            app.flow_control.suspend()
            app.flow_control.clear()
            await asyncio.sleep(busy_s)
            assert recovery.need_recovery()
            await consumer.wait_empty()
            assert recovery.need_recovery()

        consumer._on_partitions_revoked = revoked
        answer(consumer, recovered=told.append)
        app._consumer = consumer
        recovered.begin({LOG: 0, OTHER: 10_000})
        opened(consumer.early)
        assert recovery.need_recovery()
        await consumer.early.settled()
        assert told == [0]
        reading = asyncio.create_task(
            recovered.slurp([{OTHER: changelog_records([n], OTHER)} for n in range(50)], lambda: False)
        )
        for _ in range(20 + steps):
            await asyncio.sleep(0)
        await consumer.on_partitions_revoked({ONE, TWO, LOG})
        await asyncio.sleep(busy_s)
        reading.cancel()
        assert (told, consumer.early.begun, expected(consumer)) == ([0], set(), {})

    with_consumer(test)


def test_recovery_is_believed_when_it_has_asked_where_the_changelogs_of_the_last_assignment_end():
    async def run():
        recovered = Recovered()
        early = recovered.app.consumer.early = EarlyStart(None, None)
        consumer = SimpleNamespace(seek_wait=_nothing)
        believed = []
        for is_assigned, has_changed in ((False, False), (True, True), (True, False)):
            await early.end()
            if is_assigned:
                early.assigned()
            signal = recovered.recovery.signal_recovery_start
            signal.set() if has_changed else signal.clear()
            await recovered.recovery._seek_offsets(consumer, set(), {}, "active")
            believed.append(early.is_news({0}))
        return believed

    assert asyncio.run(run()) == [False, False, True]


async def _nothing(*_):
    return


def test_an_end_of_recovery_that_the_group_has_overtaken_begins_nothing():
    @begun_early(40, 7)
    async def test(consumer, broker):
        told, ask = list(consumer.told), broker.earliest_offsets

        async def revoked_meanwhile(*tps):
            found = await ask(*tps)
            await consumer.early.end()
            return found

        broker.earliest_offsets = revoked_meanwhile
        await asyncio.create_task(consumer.perform_seek())
        assert consumer.told == told
        assert TWO not in expected(consumer)


def test_a_reader_that_is_not_told_waits_for_all():
    async def test(consumer, broker):
        answer(consumer)
        consumer.pause_partitions({ONE, TWO})
        opened(consumer.early).note({0})
        await consumer.early.settled()
        assert consumer.begun_early(READINGS) == frozenset()
        assert ONE not in consumer._get_active_partitions()
        broker.committed = {ONE: 40, TWO: 7}
        await consumer.perform_seek()
        assert expected(consumer) == {ONE: 40, TWO: 7}

    with_consumer(test)


def test_partitions_that_become_whole_while_others_begin_follow_them():
    async def run():
        begun, gate = [], asyncio.Event()

        async def begin(numbers):
            begun.append(numbers)
            await gate.wait()

        early = opened(EarlyStart(begin, None))
        early.note({0})
        await asyncio.sleep(0)
        early.note({0, 3})
        assert early.begun == set()
        gate.set()
        await early.settled()
        assert begun == [{0}, {3}]
        assert early.begun == {0, 3}

    asyncio.run(run())


def test_what_cannot_begin_ends_the_consumer():
    async def run():
        told = []

        async def begin(_):
            raise ValueError("broken")

        async def crash(error):
            told.append(error)

        early = opened(EarlyStart(begin, crash))
        early.note({0})
        await early.settled()
        assert [repr(error) for error in told] == ["ValueError('broken')"]
        assert early.begun == set()

    asyncio.run(run())
