"""One connection of MLLP that waits for each answer: `python -m bench.gateway.alone BROKERS TOPIC LOAD`.

Beside its pace, in turns of the same process: a round trip (a message that the gateway refuses by its header) and
Kafka's own acknowledgement of one record at a time, which is what such a connection cannot be faster than.
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

from bench.gateway.frames import Load
from bench.gateway.messages import REAL, TRAINING, message_of
from bench.gateway.probe import VALUE
from edge.gateway.hl7.framing import CR, FS

TURNS: Final = 5
ANSWER_S_MAX: Final = 15.0


@dataclass(slots=True)
class Pace:
    """What was done one after the other, and how long one took, s."""

    message_s: float = 0.0
    round_trip_s: float = 0.0
    kafka_s: float = 0.0
    acknowledged: list[int] = field(default_factory=list)

    @property
    def share(self) -> float:
        """The connection's pace as a share of 1/(round trip + Kafka's acknowledgement)."""
        return (self.round_trip_s + self.kafka_s) / self.message_s


async def measure(brokers: str, topic: str, load: Load) -> Pace:
    """Measure for as long as the load says, in all."""
    producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all", enable_idempotence=True)
    await producer.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", load.port)
    numbers, pace = count(), Pace()

    async def say(kind: bytes, code: bytes) -> int:
        number = next(numbers)
        writer.write(message_of(load, 0, number, kind))
        async with asyncio.timeout(ANSWER_S_MAX):
            said = await reader.readuntil(FS + CR)
        assert b"\rMSA|%s|%d" % (code, number) in said
        return number

    async def message() -> None:
        pace.acknowledged.append(await say(REAL, b"AA"))

    try:
        turn_s = load.seconds / TURNS / 3
        for _ in range(TURNS):
            pace.message_s += await _each_s(message, turn_s) / TURNS
            pace.round_trip_s += await _each_s(lambda: say(TRAINING, b"AR"), turn_s) / TURNS
            pace.kafka_s += (
                await _each_s(lambda: producer.send_and_wait(topic, VALUE, b"alone"), turn_s) / TURNS
            )
    finally:
        writer.close()
        await producer.stop()
    return pace


async def _each_s(do: Callable[[], Awaitable[object]], turn_s: float) -> float:
    """Do one after the other for so long and return what one took, s."""
    begun_s = time.monotonic()
    for done in count(1):
        await do()
        if (took_s := time.monotonic() - begun_s) >= turn_s:
            return took_s / done
    raise AssertionError


if __name__ == "__main__":
    brokers_, topic_, load_ = sys.argv[1:]
    print(json.dumps(asdict(asyncio.run(measure(brokers_, topic_, Load(**json.loads(load_)))))), flush=True)
