"""The last sign of life of each partition, read without a group: is what boards show still being kept?"""

from collections.abc import Mapping
from contextlib import closing
from typing import Any, Final

from kafka import TopicPartition

from edge.nursing.alarm_list import Beat
from edge.records import Skipped, read_record
from streams.config.settings import Settings
from streams.contracts.patient_state import Heartbeat
from streams.contracts.topics import HEARTBEAT
from streams.kafka.connect import connect_consumer
from streams.kafka.layout_log import read_layout
from streams.kafka.log_end import ends_of

POLLS_MAX: Final = 25
POLL_MS: Final = 200
"""Together 5 s for what stands in the topic already."""

BACK: Final = 3
"""Records that are read back from the end for each partition of the readings: the last of them may be unreadable."""


def last_beats(settings: Settings, skipped: Skipped) -> Mapping[int, Beat | None]:
    """Return the newest heartbeat of each partition; None of one that has none. Nothing where there is no topic.

    Raises:
        BrokerUnreachable: no broker answers.
        VigilError: a partition does not answer in time.
    """
    topic, factor = settings.topic(HEARTBEAT), read_layout(settings).judged.factor
    with closing(connect_consumer(settings, allow_auto_create_topics=False)) as consumer:
        tps = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        found: dict[int, Beat | None] = dict.fromkeys(range(len(tps) * factor))
        ends = {tp: end for tp, end in ends_of(consumer, tps).items() if end > 0} if tps else {}
        if not ends:
            return found
        consumer.assign(list(ends))
        for tp, end in ends.items():
            consumer.seek(tp, max(0, end - BACK * factor))
        for _ in range(POLLS_MAX):
            for records in consumer.poll(timeout_ms=POLL_MS).values():
                for record in records:
                    _take(record, found, len(tps), skipped)
            if all(consumer.position(tp) >= end for tp, end in ends.items()):
                break
        return found


def _take(record: Any, found: dict[int, Beat | None], places: int, skipped: Skipped) -> None:
    beat = read_record(Heartbeat, record, skipped)
    if beat is not None and beat.partition in found and beat.partition % places == record.partition:
        found[beat.partition] = Beat(beat, int(record.timestamp))
