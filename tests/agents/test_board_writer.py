"""When boards are shown what has changed: soon, once, and neither before the alerts nor while a block is judged."""

import asyncio

import pytest
from board_model import BoardModel
from logs import frame_record
from worker_model import WorkerModel

from agents.board_writer import LATE_TURNS, Board
from agents.judging.verdict import Verdict
from clinical.rules import LimitRule, RuleSet
from streams.contracts.topics import LIMITS, PATIENTS
from streams.errors import PromiseBroken
from tables.changelog.checkpoint import CHUNK

RULES = RuleSet((LimitRule("hr-high", "hr", high=120),))
TWO_TURNS = 2


@pytest.fixture
def worker():
    return WorkerModel(RULES)


def frame(worker, seq, hr):
    """Judge one frame and return the verdict."""
    return worker.take([frame_record(seq, seq * 1000, seq=seq, event_ms=seq * 1000, hr=hr)])


def test_a_patient_who_changes_several_times_is_written_once_as_the_patient_is_by_then(worker):
    verdicts = [frame(worker, 1, 130), frame(worker, 2, 80)]
    assert [len(verdict.transitions) for verdict in verdicts] == [1, 1]
    ((name, shown),) = BoardModel(worker.judge).show(worker.table, *verdicts).items()
    assert name == (PATIENTS, "bed-1")
    assert (shown["alarms"], shown["values"]["hr"]["value"]) == ([], 80)


def test_who_is_gone_by_then_is_deleted(worker):
    verdict = frame(worker, 1, 130)
    worker.table.drop("bed-1")
    gone = Verdict(dropped=["bed-1"])
    written = BoardModel(worker.judge).show(worker.table, verdict, gone)
    assert written == {(PATIENTS, "bed-1"): None, (LIMITS, "bed-1"): None}


def test_nothing_is_written_while_a_block_is_judged_and_its_alerts_are_handed_over(worker):
    verdict, shown = frame(worker, 1, 130), BoardModel(worker.judge)

    async def test():
        async with shown.whole_blocks:
            shown.note(worker.table, verdict)
            writing = asyncio.ensure_future(shown.boards.write(shown.partition))
            for _ in range(TWO_TURNS):
                await asyncio.sleep(0)
            frame(worker, 2, 80)
        await writing

    asyncio.run(test())
    ((_, _, patient),) = shown.written
    assert patient["alarms"] == []


def test_who_writes_too_waits_until_what_another_has_taken_is_handed_over(worker):
    """Else a checkpoint would not wait for it."""
    verdict, shown = frame(worker, 1, 130), BoardModel(worker.judge)

    async def test():
        shown.note(worker.table, verdict)
        shown.room.clear()
        timer = asyncio.ensure_future(shown.boards.write(shown.partition))
        await asyncio.sleep(0)
        checkpoint = asyncio.ensure_future(shown.boards.write(shown.partition))
        for _ in range(TWO_TURNS):
            await asyncio.sleep(0)
        assert not checkpoint.done()
        shown.room.set()
        await asyncio.gather(timer, checkpoint)

    asyncio.run(test())
    assert len(shown.written) == 1


def test_many_are_written_in_pieces_with_room_for_alerts_in_between(worker):
    beds = [f"bed-{number}" for number in range(2 * CHUNK + 1)]
    frames = [
        frame_record(i, i, patient=bed, device=f"{bed}-m", event_ms=i, hr=130) for i, bed in enumerate(beds)
    ]
    shown = BoardModel(worker.judge)
    assert shown.show(worker.table, worker.take(frames)).keys() == {(PATIENTS, bed) for bed in beds}
    assert shown.pieces == [CHUNK, CHUNK, 1]


def test_of_a_partition_that_is_another_worker_s_by_now_nothing_is_written_or_deleted(worker):
    verdict = frame(worker, 1, 130)
    worker.table.release()
    assert BoardModel(worker.judge).show(worker.table, verdict) == {}


def test_what_cannot_be_handed_over_stops_the_process(worker):
    verdict, shown = frame(worker, 1, 130), BoardModel(worker.judge)

    async def refused(*_):
        raise PromiseBroken("the broker is gone")

    shown.publish_batch = refused
    shown.note(worker.table, verdict, of=shown.other)
    asyncio.run(shown.boards.write(shown.other))
    assert shown.failures == ["boards of partition 5: PromiseBroken('the broker is gone')"]


def test_partitions_are_written_apart(worker):
    verdict, shown = frame(worker, 1, 130), BoardModel(worker.judge)
    shown.note(worker.table, verdict, of=shown.other)
    assert shown.show(worker.table) == {}
    asyncio.run(shown.boards.write(shown.other))
    assert len(shown.written) == 1


def test_what_has_come_meanwhile_is_judged_between_two_partitions(worker):
    shown, written = BoardModel(worker.judge), []
    shown.note(worker.table, frame(worker, 1, 130))
    shown.other.of(Board).states.add("bed-2")

    async def test():
        writing = asyncio.ensure_future(shown.boards.write_in_turns([shown.partition, shown.other]))
        while not writing.done():
            await asyncio.sleep(0)
            written.append(len(shown.written))

    asyncio.run(test())
    assert written[0] == 1
    assert written[-1] == 2


def test_a_checkpoint_writes_of_the_patients_whose_records_it_sends_and_leaves_the_others_to_their_turn(
    worker,
):
    frames = [
        frame_record(i, i, patient=bed, device=f"{bed}-m", event_ms=i, hr=130)
        for i, bed in enumerate(("bed-1", "bed-2"))
    ]
    verdict, shown = worker.take(frames), BoardModel(worker.judge)
    shown.note(worker.table, verdict)
    asyncio.run(shown.boards.write(shown.partition, ["bed-2", "bed-3"]))
    assert [patient["patient"] for _, _, patient in shown.written] == ["bed-2"]
    asyncio.run(shown.boards.write(shown.partition))
    assert [patient["patient"] for _, _, patient in shown.written] == ["bed-2", "bed-1"]


def test_while_judging_is_late_what_changed_is_written_every_fourth_turn_and_at_once_when_it_no_longer_is(
    worker,
):
    verdict, shown = frame(worker, 1, 130), BoardModel(worker.judge)

    def turns(count):
        for _ in range(count):
            asyncio.run(shown.boards.write_in_turns([shown.partition]))
        return len(shown.written)

    shown.note(worker.table, verdict, late=True)
    assert (turns(LATE_TURNS - 1), turns(1)) == (0, 1)
    shown.note(worker.table, frame(worker, 2, 80))
    assert turns(1) == 2
