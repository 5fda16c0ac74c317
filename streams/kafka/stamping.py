"""The times of records that no broker has stamped: a producer's own time is believed only up to a bound.

A topic of `LogAppendTime` holds the broker's time, and a worker refuses to start on another. But the embedded broker
says so and stamps nothing, and a topic can be changed under a worker. One record from the future would make devices
look silent that are not, and hold up time itself until then; so it counts as having come when it was read.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from streams.decoding.raw_records import RawRecords, ReadRecord

LOG_APPEND_TIME: Final = 1
"""`timestamp_type` of a batch that the broker has stamped."""


def stamp_by(wall_s: Callable[[], float], ahead_ms_max: int) -> Callable[[Any, Sequence[Any]], Sequence[Any]]:
    """Return what gives the records of a batch the times by which they are judged.

    Args:
        wall_s: the worker's clock, s since the epoch.
        ahead_ms_max: how far ahead of it a time may be that is no broker's, ms.
    """

    def stamp(batch: Any, records: Sequence[Any]) -> Sequence[Any]:
        if batch.timestamp_type == LOG_APPEND_TIME:
            return records
        now_ms = int(wall_s() * 1000)
        latest_ms = (
            now_ms + ahead_ms_max
        )  # what the batch says of its records is as little believed as they are
        if isinstance(records, RawRecords):
            return records.with_times(np.where(records.times > latest_ms, now_ms, records.times))
        return [
            record
            if record.timestamp <= latest_ms
            else ReadRecord(record.offset, now_ms, record.key, record.value)
            for record in records
        ]

    return stamp
