"""Fill a changelog as checkpoints would have: one record a patient, several minutes of windows, and the end record."""

import asyncio
from dataclasses import dataclass

import numpy as np
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner

from agents.judging.judge import Judge
from clinical.clock import TimeRules
from clinical.defaults import DEFAULT_RULES
from clinical.vitals import INDEX, SIGNALS
from streams.decoding.decoded import Decoded, Frames
from tables.changelog.progress import END_KEY, encode_progress
from tables.changelog.record import encode
from tables.changelog.record_layout import alarm_key
from tables.windows import BUCKET_MS

START_MS = 1_700_000_000_000
BATCH_BYTES = 256 * 1024
TIMEOUT_MS = 60_000
HEALTHY = {
    "hr": 80.0,
    "pulse": 80.0,
    "spo2": 97.0,
    "resp": 16.0,
    "abp_sys": 120.0,
    "abp_dia": 75.0,
    "abp_mean": 90.0,
}


@dataclass(frozen=True, slots=True)
class State:
    """What the changelog holds: `patients` patients with `buckets` half minutes of readings each."""

    patients: int
    partitions: int
    buckets: int
    versions: int = 1
    """Records per patient: more than one as long as the log has not been compacted."""

    @property
    def records(self) -> int:
        """Records of patients and ends of checkpoints."""
        return self.versions * (self.patients + self.partitions)


def fill(brokers: str, topic: str, state: State) -> float:
    """Write the state to a changelog that exists; return the mean size of a record, bytes."""
    return asyncio.run(_fill(brokers, topic, state))


def checkpoint_of(patients: list[str], buckets: int, version: int) -> list[tuple[bytes, bytes]]:
    """Return key and record of every patient of one partition, and of the checkpoint's end."""
    judge = Judge(DEFAULT_RULES, TimeRules(recorded=True), 86_400_000)
    table = judge.new_table()
    carried = np.sort([INDEX[signal] for signal in HEALTHY])
    values = np.array([[HEALTHY[SIGNALS[column].name] for column in carried]] * len(patients))
    whole = np.ones(len(patients), dtype=np.int64)
    for k in range(buckets):
        offset = np.arange(len(patients)) + (version * buckets + k) * len(patients)
        now_ms = whole * (START_MS + (version * buckets + k) * BUCKET_MS)
        names = [f"mon-{patient}" for patient in patients]
        frames = Frames(
            patients,
            names,
            whole,
            whole * k,
            now_ms,
            whole * BUCKET_MS,
            now_ms,
            offset,
            values + k % 2,
            carried,
        )
        judge.judge(table, Decoded([frames], []))
    keys = np.array([alarm_key(alarm.id) for alarm in judge.alarms], dtype=np.uint64)
    records = encode(table, table.rows(patients), keys)
    pairs = [(patient.encode(), record) for patient, record in zip(patients, records, strict=True)]
    return [*pairs, (END_KEY.encode(), encode_progress(table))]


async def _fill(brokers: str, topic: str, state: State) -> float:
    partition_of, numbers = DefaultPartitioner(), list(range(state.partitions))
    shares: list[list[str]] = [[] for _ in numbers]
    for patient in (f"bed-{n:06}" for n in range(state.patients)):
        shares[partition_of(patient.encode(), numbers, numbers)].append(patient)
    producer = AIOKafkaProducer(
        bootstrap_servers=brokers, max_batch_size=BATCH_BYTES, acks="all", request_timeout_ms=TIMEOUT_MS
    )
    await producer.start()
    sizes = 0
    try:
        for version in range(state.versions):
            for partition, share in enumerate(shares):
                batch, waiting = producer.create_batch(), []
                for key, record in checkpoint_of(share, state.buckets, version):
                    sizes += len(record)
                    if batch.append(key=key, value=record, timestamp=None) is None:
                        waiting.append(await producer.send_batch(batch, topic, partition=partition))
                        batch = producer.create_batch()
                        batch.append(key=key, value=record, timestamp=None)
                waiting.append(await producer.send_batch(batch, topic, partition=partition))
                await asyncio.wait_for(asyncio.gather(*waiting), TIMEOUT_MS / 1000)
    finally:
        await producer.stop()
    return sizes / state.records
