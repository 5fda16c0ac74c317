"""Kafka's own acknowledgement, measured beside a load: `python -m bench.gateway.probe BROKERS TOPIC SECONDS`."""

import asyncio
import json
import sys
import time
from typing import Final

import numpy as np
from aiokafka import AIOKafkaProducer

from bench.gateway.driver import SETTLE_S

EVERY_S: Final = 0.01
KEYS: Final = 16
VALUE: Final = b"x" * 200


async def probe(brokers: str, topic: str, seconds: float) -> dict[str, float]:
    """Write a record every `EVERY_S` and return the percentiles of its acknowledgement, ms."""
    producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all", enable_idempotence=True)
    await producer.start()
    took_s: list[float] = []

    async def one(number: int, due_s: float) -> None:
        await producer.send_and_wait(topic, VALUE, b"%d" % (number % KEYS))
        if due_s >= begun_s + SETTLE_S:
            took_s.append(time.monotonic() - due_s)

    begun_s = time.monotonic()
    try:
        writing = []
        for number in range(int(seconds / EVERY_S)):
            due_s = begun_s + number * EVERY_S
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            # On a schedule, as the driver: who waits for the one before leaves out most of a stall.
            writing.append(asyncio.create_task(one(number, due_s)))
        await asyncio.gather(*writing)
    finally:
        await producer.stop()
    p50, p99, p999 = np.percentile(np.array(took_s) * 1000, (50, 99, 99.9)).tolist()
    return {"p50_ms": p50, "p99_ms": p99, "p999_ms": p999}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(probe(sys.argv[1], sys.argv[2], float(sys.argv[3])))), flush=True)
