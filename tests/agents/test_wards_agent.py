"""The wards agent: what it publishes, where, and when a block of the topic counts as done."""

import asyncio
import json

import pytest
from lane_stand_in import StandInLane
from logs import Record, sealed

from agents.dead_letters import DeadLetters
from agents.health.metrics import Metrics
from agents.judging.catalogue import alarms_of
from agents.wards.agent import Wards
from clinical.defaults import DEFAULT_RULES
from streams.config.settings import Settings
from streams.contracts.command import COMMAND_KEY
from streams.contracts.frame import TICK_KEY
from streams.contracts.patient_state import Patient
from streams.contracts.seals import DEVELOPMENT, Place
from streams.contracts.topics import ALERTS, COMMANDS, DEAD_LETTERS, PATIENTS, READINGS, WARDS
from streams.contracts.ward import RULING_KEY, WardReport
from streams.kafka.publisher import Publisher
from streams.lane.block import Block

START_MS = 1_700_000_000_000


class World:
    """The agent with a broker that takes all, or nothing from a point on; partition 3 of the topic."""

    def __init__(self, takes=10**6):
        self.sent, self.failures, self.takes = [], [], takes
        self.ended = []
        settings, lane = Settings(partitions=48), StandInLane(owned=(3, 4))
        self.done = lane.done
        publisher = Publisher(self._send, None, 0.05, self.failures.append)
        letters = DeadLetters(settings, publisher, Metrics())
        self.agent = Wards(
            settings,
            alarms_of(DEFAULT_RULES),
            DEVELOPMENT,
            publisher,
            letters,
            Metrics(),
            lane,
            self._end_note,
            lambda: START_MS / 1000,
        )
        self.agent.begin_anew(3, 0, 0)
        self.log = []

    async def _end_note(self, noted, topic, partition):
        self.ended.append(noted.note)

    async def _send(self, topic, key, value, partition, headers):
        self.sent.append((topic, key, value, partition))
        arrived = asyncio.get_running_loop().create_future()
        if len(self.sent) <= self.takes:
            arrived.set_result(None)
        return arrived

    def take(self, *pairs, later_s=0):
        """Work off a block; return what was sent as (topic, key, partition)."""
        records = [
            Record(len(self.log) + i, START_MS + later_s * 1000, key, value)
            for i, (key, value) in enumerate(pairs)
        ]
        self.log += records
        before = len(self.sent)
        asyncio.run(self.agent.take([(Block(WARDS, 3, records), records)]))
        return [(topic, key, partition) for topic, key, _, partition in self.sent[before:]]

    def written(self, topic):
        return [value and json.loads(value) for to, _, value, _ in self.sent if to == topic]


def says(partition, silent, tick_s=0):
    first_ms = START_MS - 15_000 if silent else -1
    report = WardReport(
        ward="icu",
        partition=partition,
        tick_ts_ms=START_MS + tick_s * 1000,
        patients=2,
        silent=silent,
        first_ts_ms=first_ms,
        last_ts_ms=first_ms,
    )
    return report.key, report.model_dump_json().encode()


LOST = (says(7, 2), says(40, 2))


def test_a_lost_ward_is_told_answered_shown_and_kept():
    world = World()
    assert world.take(*LOST) == [
        (ALERTS, b"~ward/icu", None),
        (READINGS, RULING_KEY, 7),
        (READINGS, RULING_KEY, 40),
        (PATIENTS, b"~ward/icu", None),
        (WARDS, b"icu", 3),
    ]
    assert world.done == [(3, 2)]
    assert world.written(READINGS)[0]["content"] == {"ward": "icu", "lost": True, "partition": 3, "offset": 1}
    (board,) = world.written(PATIENTS)
    assert Patient.model_validate(board, strict=False).alarms[0].rule == "ward-silent"
    assert world.take(says(7, 0, 1), later_s=1) == [
        (ALERTS, b"~ward/icu", None),
        (READINGS, RULING_KEY, 40),
        (PATIENTS, b"~ward/icu", None),
        (WARDS, b"icu", 3),
    ]
    assert world.written(PATIENTS)[1] is None
    assert [state["state"] for state in world.written(WARDS)] == ["active", "normal"]


def test_an_acknowledgement_is_answered_on_the_commands_topic():
    world = World()
    world.take(*LOST)
    (alert,) = world.written(ALERTS)
    order = {"kind": "acknowledge", "id": "c1", "patient": "~ward/icu", "actor": "nurse-7"}
    value = sealed(
        COMMAND_KEY, {**order, "issued_ts_ms": START_MS, "episode": alert["episode"]}, Place(3, 17)
    )
    sent = world.take((COMMAND_KEY, value), later_s=2)
    assert (COMMANDS, b"~ward/icu", None) in sent
    (answer,) = world.written(COMMANDS)
    assert (answer["outcome"], answer["id"]) == ("accepted", "c1")
    assert (answer["order_partition"], answer["order_offset"]) == (3, 17)
    assert world.written(PATIENTS)[-1]["alarms"][0]["state"] == "acknowledged"


def test_what_is_no_record_of_wards_becomes_a_dead_letter():
    world = World()
    assert world.take((b"icu/7", b"{")) == [(DEAD_LETTERS, b"icu/7", None)]
    assert world.done == [(3, 1)]


@pytest.mark.parametrize("takes", range(5))
def test_a_block_is_not_done_before_all_that_follows_from_it_has_arrived(takes):
    world = World(takes)
    with pytest.raises(Exception, match="have not arrived"):
        world.take(*LOST)
    assert world.done == []


def test_time_passes_in_the_topic_only_where_a_ward_is_lost():
    world = World()
    asyncio.run(world.agent.tick())
    assert world.sent == []
    world.take(*LOST)
    world.sent.clear()
    asyncio.run(world.agent.tick())
    assert [(topic, key, partition) for topic, key, _, partition in world.sent] == [(WARDS, TICK_KEY, 3)]


def test_a_partition_that_is_assigned_again_is_read_from_its_start_and_tells_nothing_twice():
    world = World()
    world.take(*LOST)
    state = world.sent[-1][1:3]
    world.take(state)
    log = world.log
    world.agent.begin_anew(3, 2, 3)
    world.log, world.sent = [], []
    assert world.take(*((record.key, record.value) for record in log)) == []
    assert world.done[-1] == (3, 3)
    assert world.take(says(7, 0, 1), later_s=1)[0] == (ALERTS, b"~ward/icu", None)
