"""What is still written to generations of the readings before the one that is judged: how much waits, and until when.

Workers forward it (`agents.stragglers`), and the offsets that their group commits say how far. Seen by who scales, and
by who writes and goes over to another generation: no frame may overtake those of its patient that were written before.
"""

import time
from collections.abc import Mapping
from contextlib import closing
from typing import Final

from kafka import TopicPartition
from kafka.errors import KafkaError

from streams.config.settings import Settings
from streams.contracts.layout import Layout
from streams.contracts.topics import READINGS
from streams.errors import BrokerUnreachable
from streams.kafka.connect import connect_consumer
from streams.kafka.group_questions import GroupQuestions
from streams.kafka.layout_log import in_generation

POLL_S: Final = 0.1
ANSWER_S_MAX: Final = 5.0


def forwarding_group(settings: Settings) -> str:
    """Return the group that forwards what is written to generations before the one that is judged."""
    return f"{settings.group}-forwarding"


def hop_ends(settings: Settings, layout: Layout) -> dict[TopicPartition, int]:
    """Return where the readings of generations that are forwarded end.

    Raises:
        BrokerUnreachable: no broker answers.
    """
    return {
        tp: end
        for topic in _topics(settings, layout, 0)
        for tp, end in ends_of_topic(settings, topic).items()
    }


def waiting(settings: Settings, layout: Layout) -> dict[str, int]:
    """Return how many records are not forwarded yet, by the topic of their generation; raises as `hop_ends` does."""
    ends = hop_ends(settings, layout)
    with GroupQuestions(settings) as groups:
        done = _done(groups, settings)
    found = dict.fromkeys(_topics(settings, layout, 0), 0)
    for tp, end in ends.items():
        found[tp.topic] += max(0, end - done.get(tp, end))
    return found


def are_forwarded(settings: Settings, layout: Layout, wait_s: float, since: int = 0) -> bool:
    """Wait until all that was written by now has come into the generation that is judged; False = not in time.

    Args:
        settings: of any generation.
        layout: as it is now.
        wait_s: how long at most, s; and a look at the brokers longer.
        since: number of the generation that was written to.

    Raises:
        BrokerUnreachable: no broker answers.
    """
    until_s = time.monotonic() + wait_s
    with GroupQuestions(settings) as groups:
        # Hop by hop: where the next one ends is known once all has come into it.
        for topic in _topics(settings, layout, since):
            ends = ends_of_topic(settings, topic)
            while not _reach(_done(groups, settings), ends):
                if time.monotonic() > until_s:
                    return False
                time.sleep(POLL_S)
    return True


def _reach(done: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]) -> bool:
    return all(done.get(tp, 0) >= end for tp, end in ends.items())


def _topics(settings: Settings, layout: Layout, since: int) -> list[str]:
    return [in_generation(settings, old).topic(READINGS) for old, _ in layout.hops if old.number >= since]


def ends_of_topic(settings: Settings, topic: str) -> dict[TopicPartition, int]:
    """Return where a topic's partitions end, of one that is not there nothing; raises as `hop_ends` does.

    The broker is asked, since who only writes there may not read the last records.
    """
    try:
        with closing(connect_consumer(settings, allow_auto_create_topics=False)) as consumer:
            tps = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
            return dict(consumer.end_offsets(tps, timeout_ms=round(ANSWER_S_MAX * 1000)))
    except KafkaError as error:
        raise BrokerUnreachable(f"where {topic} ends could not be read: {error}") from None


def _done(groups: GroupQuestions, settings: Settings) -> dict[TopicPartition, int]:
    return {tp: place.offset for tp, place in groups.committed(forwarding_group(settings)).items()}
