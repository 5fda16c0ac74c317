"""Nothing but aiokafka, the client under Faust: batches read and decoded, nothing decided."""

import asyncio
import signal

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.peers.processes import main
from bench.peers.records import decode_marked, encode, marker_alert
from bench.peers.spec import TICK_PREFIX, Spec

POLL_MS = 1_000


async def watch(spec: Spec, index: int) -> None:
    """Read every `threads`-th partition, without a group, until cancelled."""
    consumer = AIOKafkaConsumer(bootstrap_servers=spec.brokers, enable_auto_commit=False)
    producer = AIOKafkaProducer(bootstrap_servers=spec.brokers, acks="all")
    await consumer.start()
    await producer.start()
    try:
        consumer.assign(
            [TopicPartition(spec.readings, number) for number in range(index, spec.partitions, spec.threads)]
        )
        await consumer.seek_to_beginning()
        while True:
            for block in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                for record in block:
                    if record.key.startswith(TICK_PREFIX):
                        continue
                    alert = marker_alert(decode_marked(record.value))
                    if alert is not None:
                        await producer.send(spec.alerts, key=record.key, value=encode(alert))
    finally:
        await producer.stop()
        await consumer.stop()


def work(spec: Spec, index: int) -> None:
    """Run until SIGTERM."""

    async def until_told() -> None:
        task = asyncio.ensure_future(watch(spec, index))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()

    asyncio.run(until_told())


if __name__ == "__main__":
    main(work)
