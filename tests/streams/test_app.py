"""The app without a broker: what Faust is told, which topics a lane has, and how a checkpoint's records are sent."""

import asyncio
from types import SimpleNamespace

import faust
import pytest

from streams.config.settings import Settings
from streams.contracts.topics import ALERTS, COMMANDS, DELIVERIES, ESCALATIONS, READINGS, WARDS
from streams.errors import PromiseBroken
from streams.kafka.admin import changelog_topic
from streams.kafka.publisher import Publisher
from streams.kafka.shadows import ShadowPublisher
from streams.lane.app import (
    HEARTBEAT_S,
    RECORD_BYTES_MAX,
    create_app,
    credentials,
    delivery_lane,
    judging_lane,
    publisher_of,
)
from streams.lane.block_consumer import BlockTransport

SETTINGS = Settings(brokers="127.0.0.1:1", group="vigil", session_timeout_s=9)
RECORDS = [(b"bed-%d" % n, b"x" * 40) for n in range(7)]


class Batch(list):
    """Stands in for aiokafka's batch: it holds three records, and none that is large."""

    def append(self, key, value, timestamp):
        if len(self) == 3 or len(value) > RECORD_BYTES_MAX:
            return None
        super().append((key, value))
        return len(value)


class Producer:
    """Stands in for the lane's producers and those below: acknowledges each batch at the offset of its first."""

    def __init__(self):
        self.batches, self.end = [], 100

    def of(self, topic):
        return self

    def create_batch(self):
        return Batch()

    async def send_batch(self, batch, topic, partition):
        self.batches.append((topic, partition, list(batch)))
        arrived = asyncio.get_running_loop().create_future()
        arrived.set_result(SimpleNamespace(offset=self.end))
        self.end += len(batch)
        return arrived

    async def send(self, topic, value, *, key, partition, headers):
        return await self.send_batch([(key, value)], topic, partition)


def sent(records):
    """Return (last offset, producer) of records that were sent as batches."""

    async def run():
        app = create_app(SETTINGS)
        app._producer = app.producer = Producer()
        arrival = await publisher_of(app, SETTINGS).publish_batch("t", 2, records)
        return await arrival, app.producer

    return asyncio.run(run())


def test_a_lane_has_the_topics_that_its_agents_read_and_says_which_keep_no_state():
    lane = judging_lane(SETTINGS)
    assert lane.topics == {READINGS, COMMANDS, WARDS}
    assert (lane.stateless, lane.rebuilt) == ({COMMANDS}, {WARDS})
    assert lane.changelogs == {"vigil-patients-changelog"}
    lane = delivery_lane(SETTINGS)
    assert lane.topics == {ALERTS, DELIVERIES, ESCALATIONS}
    assert lane.is_judged(ESCALATIONS)
    assert not lane.is_judged(ALERTS)


def test_recordings_keep_their_times_and_live_readings_are_stamped():
    assert judging_lane(SETTINGS).stamp is not None
    assert judging_lane(Settings(brokers="127.0.0.1:1", time_base="recorded")).stamp is None


def test_a_dead_worker_is_noticed_within_the_session_timeout_and_faust_fetches_through_the_lane():
    app = create_app(SETTINGS)
    assert (app.conf.broker_session_timeout, app.conf.broker_heartbeat_interval) == (9, HEARTBEAT_S)
    assert app.conf.processing_guarantee.value == "at_least_once"
    assert isinstance(app.transport, BlockTransport)
    assert app.transport.lane.fetch_wait_ms == Settings().fetch_wait_ms
    assert create_app(SETTINGS, broker_commit_interval=7.0).conf.broker_commit_interval == 7.0


def test_a_plain_connection_has_no_credentials_and_an_account_is_proved_by_its_password():
    assert credentials(SETTINGS) is None
    proved = credentials(
        Settings(
            security_protocol="SASL_SSL",
            sasl_mechanism="SCRAM-SHA-512",
            sasl_username="vigil",
            sasl_password="word",
        )
    )
    assert isinstance(proved, faust.SASLCredentials)
    assert (proved.username, proved.password) == ("vigil", "word")


def test_records_are_sent_as_full_batches_in_order_and_the_last_offset_is_returned():
    last, producer = sent(RECORDS)
    assert [len(batch) for _, _, batch in producer.batches] == [3, 3, 1]
    assert [record for _, _, batch in producer.batches for record in batch] == RECORDS
    assert {(topic, partition) for topic, partition, _ in producer.batches} == {("t", 2)}
    assert last == 106


def test_a_record_that_fits_no_batch_breaks_the_promise():
    with pytest.raises(PromiseBroken, match="does not fit"):
        sent([(b"bed-1", b"x" * (RECORD_BYTES_MAX + 1))])


def test_a_shadow_publishes_to_outlets_of_its_own():
    app = create_app(SETTINGS)
    assert type(publisher_of(app, SETTINGS)) is Publisher
    assert type(publisher_of(app, Settings(brokers="127.0.0.1:1", shadow="0a1b"))) is ShadowPublisher


def test_what_a_partition_of_the_readings_leads_to_lies_where_it_did_before_they_were_given_more():
    scaled = SETTINGS.model_copy(update={"partitions": 4, "factor": 3, "generation": 1})
    changelog = changelog_topic(scaled)

    async def run():
        app = create_app(scaled)
        app._producer = app.producer = Producer()
        publisher = publisher_of(app, scaled)
        for topic in (ALERTS, scaled.topic(READINGS), changelog):
            await publisher.publish(topic, b"bed-1", b"x", partition=9)
            await publisher.publish_batch(topic, 9, RECORDS[:1])
        await publisher.publish(ALERTS, b"bed-1", b"x")
        return [(topic, partition) for topic, partition, _ in app.producer.batches]

    assert asyncio.run(run()) == [
        *[(ALERTS, 1)] * 2,
        *[("vitals.readings.g1", 9)] * 2,
        *[(changelog, 9)] * 2,
        (ALERTS, None),
    ]
