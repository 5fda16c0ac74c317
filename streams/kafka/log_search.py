"""A stretch of a topic by the time at which the broker took its records, for readers without a group."""

import time
from collections.abc import Iterator
from typing import Any, Final

from kafka import TopicPartition

from streams.errors import VigilError
from streams.kafka.log_end import ends_of

READ_S_MAX: Final = 60.0
"""A stretch that takes longer to read is given up."""

POLL_MS: Final = 200


def offsets_at(consumer: Any, tps: list[TopicPartition], ts_ms: int) -> dict[TopicPartition, int]:
    """Return the first offset of each partition that the broker took at `ts_ms` or later; its end if there is none.

    The embedded broker answers "none" with offset 0 and time -1, Kafka with nothing.
    """
    found = consumer.offsets_for_times(dict.fromkeys(tps, max(0, ts_ms)))
    late = [tp for tp in tps if found.get(tp) is None or found[tp].timestamp < 0]
    ends = ends_of(consumer, late) if late else {}
    return {tp: ends[tp] if tp in ends else int(found[tp].offset) for tp in tps}


def read_between(
    consumer: Any, first: dict[TopicPartition, int], behind: dict[TopicPartition, int]
) -> Iterator[Any]:
    """Yield the records from `first` up to but not including `behind`, partitions as they come.

    Raises:
        VigilError: they could not be read within `READ_S_MAX`.
    """
    wanted = {tp: end for tp, end in behind.items() if first[tp] < end}
    if not wanted:
        return
    consumer.assign(list(wanted))
    for tp in wanted:
        consumer.seek(tp, first[tp])
    until_s = time.monotonic() + READ_S_MAX
    while any(consumer.position(tp) < end for tp, end in wanted.items()):
        for tp, records in consumer.poll(timeout_ms=POLL_MS).items():
            yield from (record for record in records if record.offset < wanted[tp])
        if time.monotonic() > until_s:
            raise VigilError(f"{next(iter(wanted)).topic} could not be read within {READ_S_MAX:g} s")
