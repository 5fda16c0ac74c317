"""The heartbeat: says every two seconds, of each partition that this worker has judged a new tick of, that it lives.

What does not judge does not beat: a watcher outside (`vigil watch`) alarms when the beats of a partition cease.
"""

import os
import socket
import time
from collections.abc import Callable, Iterable
from typing import Final

import numpy as np

from clinical.lifecycle import is_open
from streams.contracts.patient_state import Heartbeat
from streams.kafka.publisher import Publisher
from tables.changelog.column_store import ColumnStore

HEARTBEAT_S: Final = 2.0


class Heartbeats:
    """Writes heartbeats of the partitions that `owned` names.

    Args:
        publisher: where they go; also asked how long its oldest record waits.
        topic: the heartbeat topic.
        store: the state that was judged.
        owned: partitions of this worker at the moment.
        lag: how many records of a partition wait to be judged.
        windows: where this worker tells its live windows, None if nowhere.
    """

    def __init__(
        self,
        publisher: Publisher,
        topic: str,
        store: ColumnStore,
        owned: Callable[[], Iterable[int]],
        lag: Callable[[int], int],
        windows: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._publisher = publisher
        self._topic = topic
        self._store = store
        self._owned = owned
        self._lag = lag
        self._windows = windows
        self._sent: dict[int, int] = {}
        self._worker = f"{socket.gethostname()}-{os.getpid()}"
        self.wall_s: Callable[[], float] = time.time

    async def send(self) -> None:
        """Write a heartbeat of each partition that has judged a tick since its last one."""
        for partition in sorted(self._owned()):
            table = self._store.state(partition)
            if table.ticked_until_ms <= self._sent.get(partition, 0):
                continue
            self._sent[partition] = table.ticked_until_ms
            heartbeat = Heartbeat(
                partition=partition,
                worker=self._worker,
                sent_ts_ms=int(self.wall_s() * 1000),
                judged_ts_ms=table.ticked_until_ms,
                lag=self._lag(partition),
                open_alarms=int(np.count_nonzero(is_open(table.alarm_state[table.occupied()]))),
                waiting_s=round(self._publisher.waiting_s(), 3),
                windows=self._windows(),
            )
            key, value = str(partition).encode(), heartbeat.model_dump_json().encode()
            await self._publisher.publish(self._topic, key, value, partition=partition)
