"""Records that nobody takes hold up the client's fetches from a node; once it is told, they do not."""

import asyncio
import uuid
from contextlib import closing

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from kafka import KafkaAdminClient

from streams.lane.client_pauses import ClientPauses

DEADLINE_S = 20.0
WAIT_S = 0.05

pytestmark = pytest.mark.kafka


class Reader:
    """A client of two partitions on Kafka, of which it takes those that a test says, as Faust does."""

    def __init__(self, consumer, producer, tps):
        self.consumer, self.producer, self.fetcher = consumer, producer, consumer._fetcher
        self.taken, self.other = tps

    async def write(self, tp, value):
        await self.producer.send_and_wait(tp.topic, value, partition=tp.partition)

    async def take(self, tp):
        """Return the values that come next of one partition."""
        with self.fetcher._subscriptions.fetch_context():
            found = await self.fetcher.fetched_records({tp}, timeout=WAIT_S)
        return [record.value for record in found.get(tp, ())]


def on_kafka(kafka, test):
    topics = [f"{name}-{uuid.uuid4().hex[:8]}" for name in ("readings", "changelog")]
    with closing(KafkaAdminClient(bootstrap_servers=kafka.bootstrap)) as admin:
        admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1} for topic in topics})

    async def run():
        producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
        consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest")
        async with asyncio.timeout(DEADLINE_S), producer:
            tps = [TopicPartition(topic, 0) for topic in topics]
            for tp in tps:
                await producer.send_and_wait(tp.topic, b"first", partition=0)
            async with consumer:
                consumer.assign(tps)
                await test(Reader(consumer, producer, tps))

    asyncio.run(run())


async def until(condition):
    """Wait for what the client does by itself; the run has a deadline."""
    while not condition():  # noqa: ASYNC110 - the client's fetches have no event of their own
        await asyncio.sleep(0.001)


def test_a_client_that_is_not_told_fetches_them_and_asks_the_node_for_nothing_until_its_patience_is_over(
    kafka,
):
    """Why the lane tells it. When this fails, the client has learnt better."""

    async def test(reader):
        await until(lambda: reader.other in reader.fetcher._records)
        left = reader.fetcher._records[reader.other]
        assert left.calculate_backoff() > 0
        await reader.take(reader.taken)
        assignment = reader.consumer._subscription.subscription.assignment
        requests, *_ = reader.fetcher._get_actions_per_node(assignment)
        assert left.calculate_backoff() == 0 or requests == []
        assert reader.fetcher._records[reader.other] is left

    on_kafka(kafka, test)


def test_a_client_that_is_told_fetches_what_is_taken_and_later_all_of_the_other_from_where_it_was(kafka):
    async def test(reader):
        pauses, found = ClientPauses(), []
        for number in range(20):
            pauses.follow(reader.consumer, {reader.other})
            await reader.write(reader.other, b"state-%d" % number)
            await reader.write(reader.taken, b"%d" % number)
            while len(found) < number + 2:
                found += await reader.take(reader.taken)
                assert reader.other not in reader.fetcher._records
        assert found == [b"first", *(b"%d" % number for number in range(20))]
        pauses.follow(reader.consumer, {reader.taken})
        state = []
        while len(state) < 21:
            state += await reader.take(reader.other)
        assert state == [b"first", *(b"state-%d" % number for number in range(20))]

    on_kafka(kafka, test)
