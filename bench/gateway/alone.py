"""One connection of MLLP that waits for each answer: `python -m bench.gateway.alone BROKERS TOPIC LOAD`.

Beside it, what such a connection cannot be faster than: a round trip (a message that the gateway refuses by its
header) and Kafka's own acknowledgement of a record. One of each in turn, so that what else the machine does is in all.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Final

from aiokafka import AIOKafkaProducer

from bench.gateway.driver import SETTLE_S
from bench.gateway.frames import Load
from bench.gateway.messages import REAL, TRAINING, message_of
from bench.gateway.probe import VALUE
from edge.gateway.hl7.framing import CR, FS

ANSWER_S_MAX: Final = 15.0


@dataclass(slots=True)
class Pace:
    """How long each took, the mean, s, and the numbers of the messages that were acknowledged."""

    message_s: float = 0.0
    round_trip_s: float = 0.0
    kafka_s: float = 0.0
    acknowledged: list[int] = field(default_factory=list)

    @property
    def share(self) -> float:
        """The connection's pace as a share of 1/(round trip + Kafka's acknowledgement)."""
        return (self.round_trip_s + self.kafka_s) / self.message_s


async def measure(brokers: str, topic: str, load: Load) -> Pace:
    """Measure for as long as the load says; the first moments do not count."""
    producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all", enable_idempotence=True)
    await producer.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", load.port)
    numbers, acknowledged = count(), list[int]()

    async def say(kind: bytes, code: bytes) -> int:
        number = next(numbers)
        writer.write(message_of(load, 0, number, kind))
        async with asyncio.timeout(ANSWER_S_MAX):
            said = await reader.readuntil(FS + CR)
        assert b"\rMSA|%s|%d" % (code, number) in said
        return number

    async def message() -> None:
        acknowledged.append(await say(REAL, b"AA"))

    turn: list[Callable[[], Awaitable[object]]] = [
        message,
        lambda: say(TRAINING, b"AR"),
        lambda: producer.send_and_wait(topic, VALUE, b"alone"),
    ]
    took_s, turns = [0.0, 0.0, 0.0], 0
    counts_from_s = time.monotonic() + SETTLE_S
    try:
        while (now_s := time.monotonic()) < counts_from_s + load.seconds:
            spent_s = []
            for do in turn:
                begun_s = time.monotonic()
                await do()
                spent_s.append(time.monotonic() - begun_s)
            if now_s >= counts_from_s:
                took_s, turns = [a + b for a, b in zip(took_s, spent_s, strict=True)], turns + 1
    finally:
        writer.close()
        await producer.stop()
    message_s, round_trip_s, kafka_s = (one_s / turns for one_s in took_s)
    return Pace(message_s, round_trip_s, kafka_s, acknowledged)


if __name__ == "__main__":
    brokers_, topic_, load_ = sys.argv[1:]
    print(json.dumps(asdict(asyncio.run(measure(brokers_, topic_, Load(**json.loads(load_)))))), flush=True)
