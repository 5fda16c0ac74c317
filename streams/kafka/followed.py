"""A topic as it is and as it grows, for a reader without a group in a thread of its own."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, Final

from kafka import TopicPartition

from streams.config.settings import Settings
from streams.kafka.connect import connect_consumer

HELD_MS: Final = 5_000
"""How long the broker holds an empty fetch; it answers as soon as there is something. Each answer costs a worker's
judge the interpreter for a moment, so that many of them are an alert's tail."""

LOOK_MS: Final = 1_000
"""How often it is asked whether it is over."""


def followed(settings: Settings, topic: str, is_over: Callable[[], bool]) -> Iterator[list[Any]]:
    """Yield the records of a topic from its beginning as they come, until it is over; none where there is no topic.

    Raises:
        BrokerUnreachable: no broker answers at the beginning.
        KafkaError: what came later could not be read.
    """
    with closing(
        connect_consumer(settings, allow_auto_create_topics=False, fetch_max_wait_ms=HELD_MS)
    ) as consumer:
        tps = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        consumer.assign(tps)
        consumer.seek_to_beginning(*tps)
        while tps and not is_over():
            yield from consumer.poll(timeout_ms=LOOK_MS).values()
