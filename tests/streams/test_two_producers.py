"""Two producers: what waits behind what, on a broker that answers one of them nothing for a while."""

import asyncio
from dataclasses import replace

import pytest
from aiokafka.protocol.produce import ProduceRequest
from faust.exceptions import NotReady
from faust.transport.drivers import aiokafka as driver

from edge.brokers.embedded import EmbeddedBroker
from streams.config.settings import Settings
from streams.contracts.topics import (
    ALERTS,
    COMMANDS,
    DEAD_LETTERS,
    HEARTBEAT,
    LIMITS,
    PATIENTS,
    READINGS,
    WARDS,
)
from streams.kafka.admin import changelog_topic
from streams.lane.app import create_app, delivery_lane, judging_lane, publisher_of

DEADLINE_S = 10.0


@pytest.fixture(scope="module")
def settings():
    with EmbeddedBroker() as broker:
        yield Settings(brokers=broker.bootstrap)


def unguarded(lane):
    """Return the lane without its guard: the broker makes topics when they are asked for, of one partition each."""
    return replace(lane, watch_client=lambda client: None)


def holding(client, answered):
    """Let a client's records reach the broker only when `answered` is set; return what is set when some wait."""
    send, held = client.send, asyncio.Event()

    async def sent(node, request, **more):
        if isinstance(request, ProduceRequest):
            held.set()
            await answered.wait()
        return await send(node, request, **more)

    client.send = sent
    return held


def alert_behind_a_heartbeat(settings, lane):
    """Return whether an alert arrives while a heartbeat that was sent before it has not; both do in the end."""

    async def run():
        app = create_app(settings, unguarded(lane))
        await app.producer.on_start()
        publisher, answered = publisher_of(app, settings), asyncio.Event()
        await publisher.publish(HEARTBEAT, b"worker", b"1", partition=0)
        await publisher.publish(ALERTS, b"bed-1", b"1", partition=0)
        await publisher.settled()  # both producers know the topics from here on
        held = holding(app.producer.of(HEARTBEAT).client, answered)
        beat = await publisher.publish(HEARTBEAT, b"worker", b"2", partition=0)
        await asyncio.wait_for(held.wait(), DEADLINE_S)
        alert = await publisher.publish(ALERTS, b"bed-1", b"2", partition=0)
        done, _ = await asyncio.wait([alert], timeout=1.0)
        assert not beat.done()
        answered.set()
        await asyncio.wait_for(asyncio.gather(alert, beat), DEADLINE_S)
        await app.producer.on_stop()
        return bool(done)

    return asyncio.run(run())


def test_an_alert_waits_behind_nothing_that_nobody_waits_for_and_would_with_one_producer(settings):
    lane = judging_lane(settings)
    assert alert_behind_a_heartbeat(settings, lane)
    assert not alert_behind_a_heartbeat(settings, replace(lane, unhurried=frozenset()))


def test_what_alerts_follow_from_is_not_among_what_nobody_waits_for(settings):
    unhurried = judging_lane(settings).unhurried
    assert unhurried == {changelog_topic(settings), PATIENTS, HEARTBEAT, LIMITS, DEAD_LETTERS}
    assert not unhurried & {ALERTS, READINGS, WARDS, COMMANDS}


def test_a_lane_of_one_kind_has_one_producer_and_all_end_with_it(settings):
    async def run(lane):
        app = create_app(settings, unguarded(lane))
        await app.producer.on_start()
        producers = [app.producer.of(topic) for topic in (ALERTS, HEARTBEAT, PATIENTS)]
        await app.producer.on_stop()
        assert all(producer._closed for producer in producers)
        with pytest.raises(NotReady):
            app.producer.of(HEARTBEAT)
        return len(set(producers))

    assert asyncio.run(run(delivery_lane(settings))) == 1
    assert asyncio.run(run(judging_lane(settings))) == 2


def test_fausts_producer_sends_no_batches():
    assert callable(driver.Producer._ensure_producer)
    assert not hasattr(driver.Producer, "send_batch")
