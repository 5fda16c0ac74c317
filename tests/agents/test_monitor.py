"""The monitor agent: blocks in, alerts and dead letters out, and nothing acknowledged that was not judged."""

import asyncio
from dataclasses import replace

import pytest
from logs import Record, frame, frame_record, order_record, sealed, seconds, tick_record
from monitor_world import Event, World, fetched

from agents.dead_letters import DETAIL_MAX, kept
from streams.contracts.partition_alerts import NOTE_KEY
from streams.contracts.partitions import partition_of
from streams.contracts.topics import ALERTS, PATIENTS, READINGS, WARDS
from streams.lane.block import Block, Blocks
from tables.partition_life import Event as Life

CHANGELOG = "vigil-patients-changelog"
NOTE = b'{"rule":"records-gone","topic":"vitals.readings","partition":0,"onset_ts_ms":5000,"first":1,"end":2}'


def test_alerts_go_out_keyed_by_patient_in_the_order_of_the_log():
    world = World()
    frames = seconds([80, 140, 140, 140, 140, 80])
    assert world.watch(frames[:5], frames[5:]) == [True, True]
    assert [(key, alert["phase"], alert["event_ts_ms"]) for key, alert in world.alerts()] == [
        (b"bed-1", "start", 3_000),
        (b"bed-1", "end", 5_000),
    ]
    assert world.failures == []


def test_a_patient_s_alerts_are_in_the_partition_of_the_frames_and_what_boards_are_shown_comes_later():
    world = World()
    event = Event(Blocks([[Block(READINGS, partition, seconds([140] * 4)) for partition in (3, 5)]]))
    asyncio.run(world.work_off(event))
    assert [found for found in world.partitions if found[0] == ALERTS] == [
        (ALERTS, b"bed-1", 3),
        (ALERTS, b"bed-1", 5),
    ]
    assert len(world.partitions) == 2
    world.write_boards()
    assert world.partitions[2:] == [(PATIENTS, b"bed-1", 3), (PATIENTS, b"bed-1", 5)]


def test_what_boards_are_shown_has_arrived_before_a_checkpoint_writes_state():
    world = World()
    world.watch(seconds([140] * 4))
    asyncio.run(world.checkpointer.checkpoint(0))
    topics = [topic for topic, *_ in world.sent]
    assert topics == [ALERTS, PATIENTS, CHANGELOG, CHANGELOG]


def test_what_a_tick_counts_of_wards_is_said_where_the_ward_is_judged():
    world = World()
    said = {"id": "c1", "patient": "bed-1", "actor": "clerk", "issued_ts_ms": 0}
    log = [
        order_record(0, 0, {**said, "kind": "admit", "ward": "icu"}),
        *seconds([80] * 4),
        tick_record(9, 60_000),
    ]
    home = partition_of("bed-1", 8)
    world.watch(
        [*log[:1], *(replace(record, offset=record.offset + 1) for record in log[1:])], partition=home
    )
    said = [place for place in world.partitions if place[0] == WARDS]
    assert said == [(WARDS, b"icu/%d" % home, partition_of("icu", 8))]


def test_a_stretch_of_markers_only_is_passed_and_the_next_checkpoint_is_behind_it():
    world = World(time_base="live")
    frames = seconds([80, 80])
    event = Event(Blocks([[Block(READINGS, 0, frames)], [Block(READINGS, 0, [], first=2, offset=5)]]))
    asyncio.run(world.work_off(event))
    assert event.acknowledged
    assert world.failures == []
    assert world.store.state(0).processed == 5
    assert world.store.state(0).processed_append_ms == frames[-1].timestamp


def test_a_note_about_the_partition_ends_what_it_tells_of_and_is_no_dead_letter():
    world = World()
    world.watch([*seconds([80]), Record(7, 9_000, NOTE_KEY, sealed(NOTE_KEY, NOTE))])
    ((_, end),) = world.alerts()
    assert (end["rule"], end["phase"], end["append_ts_ms"]) == ("records-gone", "end", 9_000)
    assert world.dead_letters() == []


def test_topics_carry_the_prefix_of_the_settings():
    world = World(prefix="run-1.")
    world.watch([*seconds([140, 140, 140]), Record(9, 0, b"bed-1", b"{")])
    world.write_boards()
    names = ("alerts", "dead-letters", "patients")
    assert {topic for topic, *_ in world.sent} == {f"run-1.vitals.{name}" for name in names}


def test_a_block_lets_go_of_its_records_when_they_are_worked_off():
    event = fetched(seconds([140, 140]))
    asyncio.run(World().work_off(event))
    assert event.acknowledged
    assert [(block.value, block.offset) for (block,) in event.value.value] == [([], 1)]


def test_a_fetch_is_acknowledged_when_all_its_turns_are_worked_off_and_others_have_theirs_in_between():
    world, turns = World(), []
    event = Event(Blocks([[Block(READINGS, partition, seconds([140, 140]))] for partition in range(3)]))

    async def run():
        watching = asyncio.ensure_future(world.work_off(event))
        while not watching.done():
            turns.append((len(world.store.partitions), event.acknowledged))
            await asyncio.sleep(0)

    asyncio.run(run())
    assert [worked_off for worked_off, _ in dict.fromkeys(turns)] == [0, 1, 2, 3]
    assert event.acknowledged
    assert not any(acknowledged for worked_off, acknowledged in turns if worked_off < 3)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        (b"bed-1", b"\xff", "not-json"),
        (b"bed-1", b"{}", "invalid"),
        (None, frame(), "null-key"),
        (b"bed-2", frame(), "key-mismatch"),
        (b"bed-1", None, "empty"),
        (b"bed-1", b"x" * 2**20, "too-large"),
    ],
)
def test_a_record_that_is_no_frame_is_written_to_the_dead_letters_as_far_as_they_keep_it(key, value, reason):
    world = World()
    assert world.watch([Record(77, 5_000, key, value)], partition=3) == [True]
    ((found_key, found_value, headers),) = world.dead_letters()
    assert (found_key, found_value) == kept(key, value)
    detail = headers.pop("detail")
    assert headers == {
        "reason": reason.encode(),
        "topic": READINGS.encode(),
        "partition": b"3",
        "offset": b"77",
        "append_ts_ms": b"5000",
        "key_bytes": b"%d" % len(key or b""),
        "value_bytes": b"%d" % len(value or b""),
    }
    assert 0 < len(detail.decode()) <= DETAIL_MAX
    assert world.count("vigil_dead_letters_total", reason=reason) == 1


@pytest.mark.parametrize(
    ("key_bytes", "value_bytes", "keeps"),
    [
        (0, 64 * 1024, (0, 64 * 1024)),
        (0, 64 * 1024 + 1, (0, 64 * 1024)),
        (1024, 63 * 1024, (1024, 63 * 1024)),
        (1025, 63 * 1024 + 1, (1024, 63 * 1024)),
        (2**20, 10, (1024, 10)),
    ],
)
def test_a_dead_letter_keeps_at_most_64_kib_of_its_record_at_limit(key_bytes, value_bytes, keeps):
    key, value = kept(b"k" * key_bytes, b"v" * value_bytes)
    assert (len(key), len(value)) == keeps
    assert kept(None, None) == (None, None)


def test_the_neighbours_of_a_refused_record_are_judged():
    world = World()
    good = seconds([140] * 8)
    bad = [Record(100 + i, 0, b"bed-1", b"{") for i in range(8)]
    world.watch([record for pair in zip(good, bad, strict=True) for record in pair])
    assert len(world.dead_letters()) == 8
    assert [alert["event_ts_ms"] for _, alert in world.alerts()] == [2_000]
    assert world.count("vigil_frames_total") == 8


def test_a_block_of_nothing_but_refused_records_counts_as_processed():
    world = World()
    assert world.watch([Record(i, 0, b"bed-1", b"{") for i in range(5)]) == [True]
    assert world.store.state(0).processed == 4


def test_each_partition_has_a_state_of_its_own():
    world = World()
    world.watch(seconds([140, 140]), partition=0)
    world.watch(seconds([140, 140], start_s=2), partition=1)
    assert world.alerts() == []
    assert set(world.store.partitions) == {0, 1}


def test_blocks_of_a_turn_are_judged_at_once_each_in_its_partition():
    world = World()
    blocks = [
        Block(READINGS, partition, seconds([140] * 3, patient=f"bed-{partition}")) for partition in (4, 2)
    ]
    asyncio.run(world.work_off(Event(Blocks([blocks]))))
    assert world.count("vigil_stage_seconds_count", stage="decide") == 1
    assert [key for key, _ in world.alerts()] == [b"bed-4", b"bed-2"]
    assert {p: list(of.table.row_of) for p, of in world.store.partitions.items()} == {
        4: ["bed-4"],
        2: ["bed-2"],
    }
    assert [of.table.processed for of in world.store.partitions.values()] == [2, 2]


def test_records_that_were_not_admitted_are_acknowledged_and_not_judged():
    world = World()
    world.admitted = lambda block: [record for record in block.value if record.offset >= 2]
    assert world.watch(seconds([80, 80, 80, 80])) == [True]
    assert world.count("vigil_frames_total") == 2
    world.admitted = lambda _: []
    assert world.watch(seconds([80, 80])) == [True]
    assert world.count("vigil_frames_total") == 2


@pytest.mark.parametrize("broken", ["judge", "_send", "admitted"])
def test_an_error_stops_the_worker_and_the_block_is_never_acknowledged(broken, monkeypatch):
    world = World()

    def fail(*_):
        raise RuntimeError("a bug")

    if broken == "judge":
        monkeypatch.setattr(world.monitor.judge, "judge_together", fail)
    elif broken == "_send":
        world.monitor.publisher._send = fail
    else:
        world.admitted = fail
    assert world.watch(seconds([140, 140, 140]), seconds([140], start_s=3)) == [False, False]
    assert len(world.failures) == 1
    assert "a bug" in world.failures[0]


def test_a_refused_alert_stops_the_worker():
    world = World()

    async def refuse(*_):
        refused = asyncio.get_running_loop().create_future()
        refused.set_exception(OSError("refused"))
        return refused

    world.monitor.publisher._send = refuse

    async def run():
        await world.work_off(fetched(seconds([140, 140, 140])))
        await asyncio.sleep(0)

    asyncio.run(run())
    assert any("refused" in failure for failure in world.failures)


def test_a_block_is_judged_as_a_whole_while_no_checkpoint_looks():
    world = World()
    seen = []
    judged = world.monitor.judge.judge_together

    def judge(runs):
        seen.append(world.store.whole_blocks.locked())
        return judged(runs)

    world.monitor.judge.judge_together = judge
    world.watch(seconds([80]))
    assert seen == [True]
    assert not world.store.whole_blocks.locked()


def test_every_frame_is_counted_with_what_became_of_it():
    world = World()
    frames = seconds([80, 140, None, 141, 142])
    again = [replace(record, offset=10 + record.offset) for record in frames]
    world.watch([*frames, *again], [tick_record(20, 9_000)])
    assert world.count("vigil_frames_total") == 10
    assert world.count("vigil_frames_not_judged_total", reason="duplicate") == 5
    assert world.count("vigil_readings_total") == 4
    assert world.count("vigil_ticks_total") == 1
    assert world.count("vigil_block_records_count") == 2
    assert world.count("vigil_block_records_sum") == 11


def test_alerts_are_counted_by_rule_and_phase_and_their_latency_is_measured_when_live():
    world = World(time_base="live")
    frames = [
        frame_record(i, append_ms=90_000 + i * 1000, seq=i, event_ms=89_000 + i * 1000, hr=140)
        for i in range(3)
    ]

    async def run():
        await world.work_off(fetched(frames))
        await asyncio.sleep(0)

    asyncio.run(run())
    assert world.count("vigil_alerts_total", rule="hr-high", phase="start") == 1
    assert world.count("vigil_event_to_alert_seconds_sum") == pytest.approx(100.0 - 91.0)
    assert world.count("vigil_append_to_alert_seconds_sum") == pytest.approx(100.0 - 92.0)
    assert world.count("vigil_stage_seconds_sum", stage="fetch") == pytest.approx(100.0 - 90.0)
    for stage in ("decode", "decide", "publish"):
        assert world.count("vigil_stage_seconds_count", stage=stage) == 1


def test_a_recordings_alerts_have_no_latency():
    world = World()
    world.watch(seconds([140, 140, 140]))
    assert len(world.alerts()) == 1
    assert world.count("vigil_event_to_alert_seconds_count") == 0
    assert world.count("vigil_stage_seconds_count", stage="fetch") == 0
    assert world.count("vigil_stage_seconds_count", stage="publish") == 1


def test_alarms_of_rules_that_end_are_ended_where_they_are_judged_and_nowhere_else():
    """Of a partition that is being recovered it is not known yet which alarms are open."""
    world = World(partitions=2)
    for partition in (0, 1):
        world.watch(seconds([140, 140, 140, 140]), partition=partition)
    other = world.store.partition(1)
    other.on(Life.REVOKE)
    other.on(Life.ASSIGN)
    asyncio.run(world.monitor.dismiss(frozenset()))
    ended = [partition for topic, _, partition in world.partitions if topic == ALERTS]
    assert ended == [0, 1, 0]
    assert [alert["phase"] for _, alert in world.alerts()] == ["start", "start", "end"]


def test_a_worker_owns_all_when_what_runs_along_does_too():
    world = World()
    world.lane.ours = {0}
    assert world.flow.owned_when_settled() == {0}
    owned = world.lane.owned
    world.lane.owned = lambda topic=None: None if topic == WARDS else owned(topic)
    assert world.flow.owned() == {0}
    assert world.flow.owned_when_settled() == frozenset()
