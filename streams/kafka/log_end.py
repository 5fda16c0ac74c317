"""Where a topic ends, for readers without a group.

Asked for its end (ListOffsets), the embedded broker leaves out all but the first record of the last batch. The end
that comes with fetched records is right on every broker, so this reads the last records to learn it.
"""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, Final, Self

from kafka import TopicPartition
from kafka.errors import KafkaError

from streams.config.settings import Settings
from streams.errors import BrokerUnreachable, VigilError
from streams.kafka.connect import connect_consumer

READ_S_MAX: Final = 60.0
"""Without a record or an answer for so long a topic counts as unreadable."""

POLL_MS: Final = 200


def log_ends(settings: Settings, topic: str) -> dict[TopicPartition, int]:
    """Return the offset after the last record of each partition of a topic.

    Raises:
        BrokerUnreachable: no broker answers.
        VigilError: a partition does not answer in time.
    """
    with _answering(topic), closing(connect_consumer(settings)) as consumer:
        tps = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        return ends_of(consumer, tps)


@contextmanager
def _answering(topic: str) -> Iterator[None]:
    """Say in one line, and by the exit code of an outage, that a broker fell silent after it had answered once."""
    try:
        yield
    except KafkaError as error:
        raise BrokerUnreachable(f"{topic} could not be read: {error}") from None


def ends_of(consumer: Any, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
    """Return the ends of partitions through a consumer of ours; assigns them and leaves it positioned anywhere."""
    ends = dict(consumer.end_offsets(tps))
    filled = [tp for tp, end in ends.items() if end > 0]
    consumer.assign([])  # else the end that it knew from reading them before would count
    consumer.assign(filled)
    for tp in filled:
        consumer.seek(tp, ends[tp] - 1)
    until_s = time.monotonic() + READ_S_MAX
    while waiting := [tp for tp in filled if consumer.highwater(tp) is None]:
        if time.monotonic() > until_s:
            raise VigilError(f"{waiting[0].topic}: partition {waiting[0].partition} does not answer")
        consumer.poll(timeout_ms=POLL_MS)
    return ends | {tp: int(consumer.highwater(tp)) for tp in filled}


def begins_of(consumer: Any, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
    """Return the first offset that each partition still has.

    The embedded broker leaves partitions out of its answer in which nothing has been written yet, over which
    kafka-python 3.0.12 stumbles with a KeyError: they begin at 0.
    """
    try:
        return dict(consumer.beginning_offsets(tps)) if tps else {}
    except KeyError:
        begins = dict.fromkeys(tps, 0)
    for tp in tps:
        with suppress(KeyError):
            begins |= consumer.beginning_offsets([tp])
    return begins


def read_whole(settings: Settings, topic: str) -> Iterator[Any]:
    """Yield the records of a topic from its beginning to its present end, partitions as they come.

    Raises:
        BrokerUnreachable: no broker answers.
        VigilError: the topic could not be read to its end.
    """
    with Reading(settings, topic) as reading:
        yield from reading.read_on()


class Reading:
    """A topic that is read from its beginning to its present end, and later on from there; a context manager.

    Raises:
        BrokerUnreachable: no broker answers.
    """

    def __init__(self, settings: Settings, topic: str) -> None:
        self._topic = topic
        self._at: dict[TopicPartition, int] = {}
        """Where each partition that holds anything goes on."""
        with _answering(topic):
            self._consumer = connect_consumer(settings, allow_auto_create_topics=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()

    def read_on(self) -> Iterator[Any]:
        """Yield the records up to the present end, partitions as they come.

        Raises:
            BrokerUnreachable: no broker answers.
            VigilError: the topic could not be read to its end.
        """
        with _answering(self._topic):
            yield from self._read_on()

    def _read_on(self) -> Iterator[Any]:
        consumer, at = self._consumer, self._at
        there = sorted(consumer.partitions_for_topic(self._topic) or ())
        found = ends_of(consumer, [TopicPartition(self._topic, number) for number in there])
        ends = {tp: end for tp, end in found.items() if end > at.get(tp, 0)}
        if not ends:
            return
        consumer.assign(list(ends))
        if new := [tp for tp in ends if tp not in at]:
            consumer.seek_to_beginning(*new)
        for tp in ends.keys() & at.keys():
            consumer.seek(tp, at[tp])
        heard_s = time.monotonic()
        while any(consumer.position(tp) < end for tp, end in ends.items()):
            for tp, records in consumer.poll(timeout_ms=POLL_MS).items():
                heard_s = time.monotonic()
                yield from (record for record in records if record.offset < ends[tp])
            if time.monotonic() - heard_s > READ_S_MAX:
                raise VigilError(f"{self._topic} could not be read to its end within {READ_S_MAX:g} s")
        at |= ends
