"""The commands agent: what it forwards, what it passes over, what becomes a dead letter, and when it is done."""

import asyncio
import json

import pytest
from lane_stand_in import StandInLane
from logs import Record
from signing import commanded, person, signed

from agents.command_forwarder import Commands
from agents.dead_letters import DeadLetters
from agents.health.metrics import Metrics
from streams.config.settings import Settings
from streams.contracts.command import COMMAND_BYTES_MAX, COMMAND_KEY, UNSIGNED
from streams.contracts.partition_alerts import NOTE_KEY
from streams.contracts.partitions import partition_of
from streams.contracts.seals import DEVELOPMENT, Place, Seals
from streams.contracts.topics import COMMANDS, DEAD_LETTERS, READINGS, WARDS
from streams.kafka.publisher import Publisher
from streams.lane.block import Block

PAUSE = {"kind": "pause", "id": "c1", "patient": "bed-1", "actor": "nurse-7", "issued_ts_ms": 1}
NOTE = b'{"rule":"records-gone","topic":"vitals.commands","partition":3,"onset_ts_ms":5000,"first":1,"end":2}'


class World:
    """The agent with a broker that takes all, or nothing from a point on."""

    def __init__(self, takes=10**6):
        self.sent, self.failures, self.takes = [], [], takes
        settings, lane = Settings(), StandInLane()
        self.done = lane.done
        publisher = Publisher(self._send, None, 0.05, self.failures.append)
        letters = DeadLetters(settings, publisher, Metrics())
        self.ended = []
        self.agent = Commands(
            *(settings, DEVELOPMENT, publisher, letters, lane),
            self._end_note,
        )

    async def _end_note(self, noted, topic, partition):
        assert (topic, partition) == (COMMANDS, 3)
        self.ended.append(noted)

    async def _send(self, topic, key, value, partition, headers):
        self.sent.append((topic, key, value, partition, dict(headers).get("reason", b"").decode()))
        arrived = asyncio.get_running_loop().create_future()
        if len(self.sent) <= self.takes:
            arrived.set_result(None)
        return arrived

    def forward(self, *values, key=b"bed-1"):
        """Forward commands, each signed if it is one, and bytes as they are."""
        values = [
            value if isinstance(value, bytes) else DEVELOPMENT.sign(key, commanded(value)) for value in values
        ]
        records = [Record(7 + i, 1000, key, value) for i, value in enumerate(values)]
        asyncio.run(self.agent.forward([(Block(COMMANDS, 3, records), records)]))


def test_a_command_goes_sealed_into_every_partition_of_the_readings_and_is_done_then():
    world = World()
    world.forward(PAUSE)
    sealed = DEVELOPMENT.seal(COMMAND_KEY, Place(3, 7), commanded(PAUSE))
    assert world.sent == [(READINGS, COMMAND_KEY, sealed, partition, "") for partition in range(8)]
    assert world.done == [(3, 8)]


def test_a_command_for_a_whole_ward_goes_sealed_to_where_the_ward_is_judged():
    world = World()
    ack = {**PAUSE, "kind": "acknowledge", "patient": "~ward/icu", "episode": "0123456789abcdef"}
    world.forward(ack, key=b"~ward/icu")
    sealed = DEVELOPMENT.seal(COMMAND_KEY, Place(3, 7), commanded(ack))
    assert world.sent == [(WARDS, COMMAND_KEY, sealed, partition_of("icu", Settings().partitions), "")]
    assert world.done == [(3, 8)]


def test_a_partition_s_alarm_can_be_acknowledged():
    world = World()
    ack = {**PAUSE, "kind": "acknowledge", "patient": "~partition/3", "episode": "0123456789abcdef"}
    world.forward(ack, key=b"~partition/3")
    assert {topic for topic, *_ in world.sent} == {READINGS}


def test_no_other_command_is_for_a_whole_ward():
    world = World()
    world.forward({**PAUSE, "patient": "~ward/icu"}, key=b"~ward/icu")
    assert [(topic, reason) for topic, *_, reason in world.sent] == [(DEAD_LETTERS, "invalid")]


def test_answers_are_passed_over():
    world = World()
    world.forward(b'{"kind": "answer", "id": "c1"}')
    assert world.sent == []
    assert world.done == [(3, 8)]


def test_what_is_no_command_becomes_a_dead_letter_and_the_others_go_on():
    world = World()
    huge = {**PAUSE, "reason": "x" * COMMAND_BYTES_MAX}
    world.forward({"kind": "sing"}, {**PAUSE, "seconds": 10**6}, huge, PAUSE)
    assert [(topic, reason) for topic, *_, reason in world.sent] == [
        *[(DEAD_LETTERS, "invalid")] * 2,
        (DEAD_LETTERS, "too-large"),
        *[(READINGS, "")] * 8,
    ]


def test_a_command_for_another_patient_than_its_key_is_refused():
    world = World()
    world.forward(PAUSE, key=b"bed-2")
    assert [(topic, reason) for topic, *_, reason in world.sent] == [(DEAD_LETTERS, "key-mismatch")]


def test_what_the_broker_did_not_take_is_not_done():
    world = World(takes=1)
    try:
        world.forward(PAUSE, {**PAUSE, "id": "c2"})
    except Exception as error:
        assert "have not arrived" in str(error)  # noqa: PT017 - the agent's loop stops the process by it
    assert world.done == []


def test_markers_behind_commands_are_done_with_them():
    world = World()
    records = [Record(7, 1000, b"bed-1", signed(PAUSE))]
    asyncio.run(world.agent.forward([(Block(COMMANDS, 3, records, first=7, offset=9), records)]))
    asyncio.run(world.agent.forward([(Block(COMMANDS, 3, [], first=10, offset=12), [])]))
    assert world.done == [(3, 10), (3, 13)]


def test_a_note_about_the_partition_is_handed_on_and_what_is_none_is_a_dead_letter():
    world = World()
    world.forward(
        DEVELOPMENT.seal(NOTE_KEY, Place(3, 1), NOTE), DEVELOPMENT.sign(NOTE_KEY, b"{}"), key=NOTE_KEY
    )
    assert [noted.note.partition for noted in world.ended] == [3]
    assert [(topic, reason) for topic, *_, reason in world.sent] == [(DEAD_LETTERS, "invalid")]


def test_a_note_that_no_worker_has_sealed_ends_nothing_and_is_told_of():
    world = World()
    world.forward(NOTE, key=NOTE_KEY)
    assert world.ended == []
    assert [reason for topic, *_, reason in world.sent if topic == DEAD_LETTERS] == ["unproven-command"]
    assert [(topic, key) for topic, key, *_ in world.sent if topic == READINGS] == [(READINGS, COMMAND_KEY)]


GUESSED = Seals([b"guessed" * 5])
MARK = DEVELOPMENT.seal(COMMAND_KEY, Place(3, 7), UNSIGNED)


@pytest.mark.parametrize(
    "value", [json.dumps(PAUSE).encode(), signed(PAUSE, seals=GUESSED)], ids=["unsigned", "guessed"]
)
def test_a_command_that_nobody_has_signed_is_a_dead_letter_and_refused_and_the_judge_is_told(value):
    world = World()
    world.forward(value)
    topics = [(topic, key, partition, reason) for topic, key, _, partition, reason in world.sent]
    assert topics == [
        (DEAD_LETTERS, b"bed-1", None, "unproven-command"),
        (COMMANDS, b"bed-1", 3, ""),
        (READINGS, COMMAND_KEY, 3, ""),
    ]
    answer = json.loads(world.sent[1][2])
    assert (answer["id"], answer["outcome"], answer["order_offset"], answer["offset"]) == (
        "c1",
        "refused",
        7,
        -1,
    )
    assert answer["reason"].startswith("nobody who is signed in has ordered this")
    assert world.sent[2][2] == MARK
    assert world.done == [(3, 8)]


def test_many_unsigned_commands_of_a_block_are_one_mark_and_what_says_nothing_has_no_answer():
    world = World()
    world.forward(b"\xff", b"{}", json.dumps(PAUSE).encode(), PAUSE)
    topics = [topic for topic, *_ in world.sent]
    assert topics.count(DEAD_LETTERS) == 3
    assert topics.count(COMMANDS) == 1
    assert topics.count(READINGS) == 8 + 1


def test_an_unsigned_command_under_another_patient_s_key_is_answered_to_nobody():
    world = World()
    world.forward(json.dumps(PAUSE).encode(), key=b"bed-2")
    assert COMMANDS not in [topic for topic, *_ in world.sent]


def test_the_person_goes_into_the_readings_byte_for_byte_as_signed():
    world = World()
    who = person("dr-2", "physician", ["icu"], station="board", session="s-1")
    world.forward(signed(PAUSE | {"actor": "dr-2"}, who))
    assert DEVELOPMENT.opened(COMMAND_KEY, world.sent[0][2])[1] == commanded(PAUSE | {"actor": "dr-2"}, who)
