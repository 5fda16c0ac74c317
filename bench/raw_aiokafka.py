"""Drain a topic with nothing but aiokafka, the client under Faust: the ceiling of any worker.

`--decode` also decodes every frame with msgspec. Prints one line of JSON (`bench.process_time.Drain`).
"""

import argparse
import asyncio

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.load import Load
from bench.process_time import Drain, Meter
from streams.contracts.frame import TICK_KEY

POLL_MS = 1_000


class Frame(msgspec.Struct):
    """The fields that the load carries."""

    patient: str
    device: str
    boot: int
    seq: int
    event_ts_ms: int
    hr: float | None
    pulse: float | None
    spo2: float | None
    resp: float | None
    abp_sys: float | None
    abp_dia: float | None
    abp_mean: float | None


async def drain(brokers: str, topic: str, load: Load, decode: bool) -> Drain:
    """Read `load.records` records from the start of the topic, without a group."""
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(load.partitions)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        decode_frame = msgspec.json.Decoder(Frame).decode
        meter = Meter()
        count = 0
        while count < load.records:
            for block in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                if decode:
                    for record in block:
                        if record.key != TICK_KEY:
                            decode_frame(record.value)
                count += len(block)
            if count:
                meter.first(count)
        return meter.last(count)
    finally:
        await consumer.stop()


def main() -> None:
    """Drain once and print the result."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("brokers")
    options.add_argument("topic")
    options.add_argument("load", help="JSON of bench.load.Load")
    options.add_argument("--decode", action="store_true")
    given = options.parse_args()
    load = msgspec.json.decode(given.load, type=Load)
    asyncio.run(drain(given.brokers, given.topic, load, given.decode)).print()


if __name__ == "__main__":
    main()
