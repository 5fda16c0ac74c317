"""Whoever meets a fault of a partition's log tells of it, and whoever reads on behind it tells that it is over."""

import asyncio
import json

import msgspec
import pytest
from faust.types import TP
from logs import Record, sealed

from agents.health.metrics import Metrics
from agents.log_alarms import LogAlarms
from streams.config.settings import Settings
from streams.contracts.partition_alerts import NOTE_KEY
from streams.contracts.seals import DEVELOPMENT, Place, Seals
from streams.contracts.topics import ALERTS, COMMANDS, READINGS
from streams.decoding.decoder import Decoder
from streams.kafka.publisher import Publisher
from streams.lane.log_faults import TOLD_TRIES, LogFaults
from tables.changelog.column_store import ColumnStore
from tables.patients import PatientTable

ONE, TWO = TP(READINGS, 1), TP(READINGS, 2)
TICKED_MS = 50_000


class World:
    """Partition alarms with a broker that is a list; partition 1 is ours, and was judged up to a tick."""

    def __init__(self):
        self.sent, self.owned = [], {1}
        self.metrics, self.faults = Metrics(), LogFaults()
        self.store = ColumnStore(lambda: PatientTable(("hr-high",)))
        self.store.state(1).ticked_until_ms = TICKED_MS
        self.alarms = LogAlarms(
            *(Settings(), DEVELOPMENT),
            Publisher(self._send, None, 5.0, pytest.fail),
            self.faults,
            self.store,
            self.metrics,
            lambda topic: self.owned,
            wall_s=lambda: 60.0,
        )

    async def _send(self, topic, key, value, partition, headers):
        self.sent.append((topic, key, value, partition))
        arrived = asyncio.get_running_loop().create_future()
        arrived.set_result(None)
        return arrived

    def gone(self, tp, first, end):
        self.alarms.note_gone(self.faults.gone(tp, first, end))

    def damage(self, tp=ONE, offset=7):
        for _ in range(TOLD_TRIES):
            self.faults.cannot_open(tp, offset, ValueError("a wrong checksum"))

    def look(self):
        asyncio.run(self.alarms.look())

    def alerts(self):
        return [json.loads(value) for topic, _, value, _ in self.sent if topic == ALERTS]

    def notes(self):
        return [(topic, value, at) for topic, key, value, at in self.sent if key == NOTE_KEY]

    def read_note(self, append_ms=70_000, topic=READINGS, partition=1):
        """Read the last note as whoever judges the partition does."""
        record = Record(99, append_ms, NOTE_KEY, self.notes()[-1][1])
        (noted,) = Decoder().decode([record]).notes
        asyncio.run(self.alarms.end(noted, topic, partition))

    def value(self, name, topic=READINGS, partition="1"):
        return self.metrics.registry.get_sample_value(
            f"vigil_{name}", {"topic": topic, "partition": partition}
        )


def test_a_partition_that_stands_still_is_told_once_behind_a_note_in_its_log():
    world = World()
    world.damage()
    world.look()
    world.look()
    assert [(topic, key, at) for topic, key, _, at in world.sent] == [
        (READINGS, NOTE_KEY, 1),
        (ALERTS, b"~partition/1", 1),
    ]
    (alert,) = world.alerts()
    assert (alert["rule"], alert["priority"], alert["type"]) == ("partition-unreadable", "high", "technical")
    assert (alert["phase"], alert["state"], alert["onset_ts_ms"]) == ("start", "active", TICKED_MS)
    assert alert["reason"] == (
        "partition 1 of vitals.readings cannot be read from offset 7 on: a wrong checksum"
    )
    assert world.value("partition_unreadable") == 1


def test_who_takes_the_partition_over_tells_the_same_and_the_end_is_of_the_same_episode():
    first, second = World(), World()
    for world in (first, second):
        world.damage()
        world.look()
    second.read_note()
    (told,), (again, end) = first.alerts(), second.alerts()
    assert told["id"] == again["id"]
    assert (end["episode"], end["phase"], end["state"]) == (told["episode"], "end", "inactive")
    assert end["append_ts_ms"] == 70_000


def test_the_metric_ends_when_the_partition_is_read_on_and_the_alarm_by_its_note_alone():
    world = World()
    world.damage()
    world.look()
    world.faults.read(ONE, 9)
    world.look()
    assert world.value("partition_unreadable") is None
    assert [alert["phase"] for alert in world.alerts()] == ["start"]


def test_of_partitions_of_others_and_while_they_change_hands_nothing_is_told():
    world = World()
    world.damage(TWO)
    world.look()
    assert world.sent == []
    world.owned = {1, 2}
    world.look()
    assert [alert["patient"] for alert in world.alerts()] == ["~partition/2"]


def test_a_partition_of_commands_is_told_as_such():
    world = World()
    world.damage(TP(COMMANDS, 1))
    world.look()
    assert [(topic, at) for topic, _, at in world.notes()] == [(COMMANDS, 1)]
    assert "partition 1 of vitals.commands" in world.alerts()[0]["reason"]


def test_a_changelog_gets_no_note_and_no_alarm():
    world = World()
    world.damage(TP("vigil-patients-changelog", 1))
    world.look()
    assert world.sent == []


def test_records_that_are_gone_are_counted_told_and_passed_over_and_the_next_checkpoint_is_behind_them():
    world = World()
    world.gone(ONE, 10, 60)
    assert world.value("records_gone_total") == 50
    assert world.store.state(1).processed == 59
    world.look()
    world.look()
    world.read_note()
    start, end = world.alerts()
    assert (start["rule"], start["priority"], start["phase"]) == ("records-gone", "medium", "start")
    assert "records 10 to 59 were deleted before they were judged" in start["reason"]
    assert (end["episode"], end["phase"]) == (start["episode"], "end")


def test_faults_of_one_onset_are_episodes_of_their_own():
    world = World()
    world.damage()
    world.damage(TP(COMMANDS, 1))
    world.gone(ONE, 3, 5)
    world.gone(ONE, 5, 7)
    world.look()
    assert len({alert["episode"] for alert in world.alerts()}) == 4


def test_commands_that_are_gone_move_no_readings():
    world = World()
    world.gone(TP(COMMANDS, 1), 10, 60)
    assert world.store.state(1).processed < 10
    assert world.value("records_gone_total", topic=COMMANDS) == 50


@pytest.mark.parametrize(("topic", "partition"), [(READINGS, 2), (COMMANDS, 1)])
def test_a_copy_of_a_note_in_another_log_ends_no_alarm(topic, partition):
    world = World()
    world.damage()
    world.look()
    world.read_note(topic=topic, partition=partition)
    assert [alert["phase"] for alert in world.alerts()] == ["start"]


@pytest.mark.parametrize("content", [b"{}", b'{"rule":"other"}'])
def test_what_is_no_note_is_refused(content):
    assert refusals(sealed(NOTE_KEY, content)) == [("invalid", "note:")]


@pytest.mark.parametrize("seals", [None, Seals([b"guessed" * 5])], ids=["unsealed", "guessed"])
def test_a_note_that_no_worker_has_sealed_is_refused(seals):
    world = World()
    world.damage()
    world.look()
    content = msgspec.json.decode(world.notes()[0][1])["content"]
    value = json.dumps(content).encode()
    forged = value if seals is None else seals.seal(NOTE_KEY, Place(1, 7), value)
    assert refusals(forged) == [("unproven-command", "parti")]


@pytest.mark.parametrize("value", [b"", b"{}", b"\xff", None, b"x" * 9_999])
def test_what_is_not_even_sealed_is_refused(value):
    assert refusals(value) == [("unproven-command", "parti")]


def refusals(value):
    """Return why a note is refused."""
    decoded = Decoder().decode([Record(5, 1_000, NOTE_KEY, value)])
    assert decoded.notes == []
    return [(reject.reason, reject.detail[:5]) for reject in decoded.rejects]
