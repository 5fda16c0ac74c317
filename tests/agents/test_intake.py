"""What is put into the log that delivery decides by."""

import asyncio

from alert_of import alert_of

from agents.delivery.intake import MILESTONE_MS_MAX, Intake
from streams.config.settings import Settings
from streams.contracts.deliveries import Delivery
from streams.contracts.escalations import Told
from streams.contracts.partitions import partition_of
from streams.decoding.decoded import Reject
from streams.lane.block import Block

NOW_MS = 1_800_000_000_000


class Record:
    def __init__(self, offset, value, timestamp=NOW_MS):
        self.offset, self.key, self.value, self.timestamp = offset, b"bed-1", value, timestamp


class Broker:
    """Stands in for the publisher, the dead letters and the lane."""

    def __init__(self):
        self.sent, self.refused, self.marked = [], [], []

    async def publish(self, topic, key, value, partition=None):
        self.sent.append((topic, key, value, partition))

    async def settled(self):
        pass

    def durable(self, *said):
        self.marked.append(said)

    async def refuse(self, reject, topic, partition):
        assert isinstance(reject, Reject)
        self.refused.append((reject.detail, topic, partition))


def hear(topic, *records):
    broker = Broker()

    async def ready():
        pass

    intake = Intake(
        Settings(),
        broker,
        broker,
        broker,
        ready,
        {"bed-1": "north"}.get,
        lambda: NOW_MS / 1000,
    )
    asyncio.run(intake.forward([(Block(topic, 3, list(records)), records)]))
    return broker


def alert(offset=7, timestamp=NOW_MS, **said):
    return Record(offset, alert_of(**said).model_dump_json().encode(), timestamp)


def delivery(at_ts_ms):
    return Delivery(
        id="d1",
        alert="e1-0",
        episode="e1",
        patient="bed-1",
        ward="north",
        rule="spo2-low",
        priority="high",
        step=1,
        recipient="n-1",
        channel="pager",
        milestone="taken",
        at_ts_ms=at_ts_ms,
    )


def test_an_alert_is_put_there_with_its_ward_where_its_patient_belongs():
    broker = hear("vitals.alerts", alert())
    ((topic, key, value, partition),) = broker.sent
    told = Told.model_validate_json(value)
    assert (topic, key, partition) == ("vitals.escalations", b"bed-1", partition_of("bed-1", 8))
    assert (told.ward, told.told_ts_ms, told.alert) == ("north", NOW_MS, alert_of())
    assert broker.marked == [("vitals.alerts", 3, 8)]


def test_a_canary_concerns_nobody():
    broker = hear("vitals.alerts", alert(rule="canary"))
    assert (broker.sent, broker.marked) == ([], [("vitals.alerts", 3, 8)])


def test_milestones_are_put_there_as_they_are_unless_they_are_of_older_days():
    new, old = (delivery(at).model_dump_json().encode() for at in (NOW_MS, NOW_MS - MILESTONE_MS_MAX - 1))
    broker = hear("vitals.deliveries", Record(1, old), Record(2, new))
    assert [value for _, _, value, _ in broker.sent] == [new]


def test_what_is_no_alert_becomes_a_dead_letter_and_its_neighbours_stay():
    broker = hear("vitals.alerts", Record(6, b"{"), alert(7))
    assert len(broker.sent) == 1
    ((detail, topic, partition),) = broker.refused
    assert (topic, partition) == ("vitals.alerts", 3)
    assert detail
