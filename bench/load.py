"""Fill a topic with the frames of a hospital: one frame a second of every patient, seven signals each.

About 1 % of the patients leave their limits for half of every minute, so that alarms start and end. The log
is in the order of time, with a tick a second in every partition, as workers write it. Everything follows from
the arguments: two runs are given the same bytes.
"""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner
from kafka import KafkaAdminClient

from streams.contracts.frame import TICK_KEY, encode_tick
from streams.contracts.topics import READINGS, TOPICS

START_MS = 1_700_000_000_000
SECOND_MS = 1_000
BATCH_BYTES = 16_384
"""A producer's usual batch, about 65 frames."""
TIMEOUT_MS = 30_000
SICK_ONE_IN = 100
EPISODE_S, EPISODE_EVERY_S = 30, 60

FIELDS = b'"hr":%d,"pulse":%d,"spo2":%d,"resp":%d,"abp_sys":%d,"abp_dia":%d,"abp_mean":%d}'
HEALTHY = np.array([80, 80, 97, 16, 120, 75, 90])
SPREAD = np.array([12, 12, 1, 2, 10, 5, 6])
NOISE = np.array([3, 3, 1, 2, 4, 3, 3])
SICK = np.array([60, 60, -11, 12, 0, 0, 0])
"""What an episode adds: fast heart, low oxygen, fast breathing."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a topic is filled with: `frames` frames of `patients` patients over `partitions` partitions."""

    frames: int
    patients: int
    partitions: int
    ticks: bool = True

    @property
    def seconds(self) -> int:
        """Length of the log, s; the last second may be incomplete."""
        return -(-self.frames // self.patients)

    @property
    def records(self) -> int:
        """Frames and ticks."""
        return self.frames + (self.seconds * self.partitions if self.ticks else 0)


def records(load: Load) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield partition, key and value of every record in the order of the log."""
    partition_of = DefaultPartitioner()
    partitions = list(range(load.partitions))
    keys = [b"bed-%05d" % patient for patient in range(load.patients)]
    places = [partition_of(key, partitions, partitions) for key in keys]
    heads = [b'{"patient":"%s","device":"mon-%05d","boot":1,' % (key, i) for i, key in enumerate(keys)]
    random = np.random.default_rng(7)
    usual = HEALTHY + random.integers(-SPREAD, SPREAD + 1, (load.patients, len(HEALTHY)))
    usual[:, 1] = usual[:, 0]  # the pulse is the same heart's
    sick = np.arange(load.patients) % SICK_ONE_IN == 0
    left = load.frames
    for second in range(load.seconds):
        values = usual + random.integers(-NOISE, NOISE + 1, usual.shape)
        if second % EPISODE_EVERY_S < EPISODE_S:
            values[sick] += SICK
        values[:, 2] = np.minimum(values[:, 2], 100)
        now_ms = START_MS + second * SECOND_MS
        for patient, row in enumerate(values[:left].tolist()):
            event_ts_ms = now_ms + patient * SECOND_MS // load.patients
            moment = b'"seq":%d,"event_ts_ms":%d,' % (second, event_ts_ms)
            yield places[patient], keys[patient], heads[patient] + moment + FIELDS % tuple(row)
        left -= load.patients
        if load.ticks:
            for partition in partitions:
                yield partition, TICK_KEY, encode_tick(now_ms + SECOND_MS)


def create_topic(brokers: str, topic: str, partitions: int) -> None:
    """Create a topic that is configured as the readings are."""
    readings = next(entry for entry in TOPICS if entry.name == READINGS)
    with closing(
        KafkaAdminClient(bootstrap_servers=brokers.split(","), request_timeout_ms=TIMEOUT_MS)
    ) as admin:
        wanted = {"num_partitions": partitions, "replication_factor": 1, "configs": dict(readings.config)}
        admin.create_topics({topic: wanted}, timeout_ms=TIMEOUT_MS)
        admin.wait_for_topics([topic], timeout_ms=TIMEOUT_MS)


def fill(brokers: str, topic: str, load: Load) -> None:
    """Write the load to a topic that exists and wait until the broker has all of it."""
    asyncio.run(_fill(brokers, topic, load))


async def _fill(brokers: str, topic: str, load: Load) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=brokers, max_batch_size=BATCH_BYTES, acks="all", request_timeout_ms=TIMEOUT_MS
    )
    await producer.start()
    try:
        batches = [producer.create_batch() for _ in range(load.partitions)]
        waiting = []
        for partition, key, value in records(load):
            if batches[partition].append(key=key, value=value, timestamp=None) is None:
                waiting.append(await producer.send_batch(batches[partition], topic, partition=partition))
                batches[partition] = producer.create_batch()
                batches[partition].append(key=key, value=value, timestamp=None)
        for partition, batch in enumerate(batches):
            waiting.append(await producer.send_batch(batch, topic, partition=partition))
        await asyncio.wait_for(asyncio.gather(*waiting), TIMEOUT_MS / 1000)
    finally:
        await producer.stop()
