"""The heartbeat: says every two seconds, of each partition that this worker has judged a new tick of, that it lives.

What does not judge does not beat: a watcher outside (`vigil watch`) alarms when the beats of a partition cease.
"""

import os
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from clinical.lifecycle import is_open
from streams.contracts.patient_state import Heartbeat
from streams.kafka.publisher import Publisher
from tables.partition import Partition

HEARTBEAT_S: Final = 2.0


@dataclass(slots=True)
class Beat:
    """The last beat of one partition."""

    ticked_ms: int = 0
    """The tick that it told of."""


class Heartbeats:
    """Beats for the partitions that `owned` returns.

    Args:
        publisher: where they go; also asked how long its oldest record waits.
        topic: the heartbeat topic.
        owned: partitions of this worker at the moment.
        lag: how many records of a partition wait to be judged.
        windows: where this worker tells its live windows, None if nowhere.
        partitions: how many the readings have.
        wall_s: the clock.
    """

    def __init__(
        self,
        publisher: Publisher,
        topic: str,
        owned: Callable[[], Iterable[Partition]],
        lag: Callable[[Partition], int],
        windows: Callable[[], str | None],
        partitions: int,
        wall_s: Callable[[], float],
    ) -> None:
        self._publisher = publisher
        self._topic = topic
        self._owned = owned
        self._lag = lag
        self._windows = windows
        self._partitions = partitions
        self._worker = f"{socket.gethostname()}-{os.getpid()}"
        self._wall_s = wall_s

    async def send(self) -> None:
        """Write a heartbeat of each partition that has judged a tick since its last one."""
        for partition in self._owned():
            number, table, last = partition.number, partition.table, partition.of(Beat)
            if table.ticked_until_ms <= last.ticked_ms:
                continue
            last.ticked_ms = table.ticked_until_ms
            beat = Heartbeat(
                partition=number,
                worker=self._worker,
                sent_ts_ms=int(self._wall_s() * 1000),
                judged_ts_ms=table.ticked_until_ms,
                lag=self._lag(partition),
                open_alarms=int(np.count_nonzero(is_open(table.alarm_state[table.occupied()]))),
                waiting_s=round(self._publisher.waiting_s(), 3),
                windows=self._windows(),
                partitions=self._partitions,
            )
            key, value = str(number).encode(), beat.model_dump_json().encode()
            await self._publisher.publish(self._topic, key, value, partition=number)
