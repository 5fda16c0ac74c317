"""Damaged MQTT messages at our reader: whatever bytes come, each is a dead letter with a reason or in the door.

`python -m bench.mqtt_mutations --inputs 100000` says what became of each, and ends with 1 where something was wrong.
Topics are damaged as payloads are; several messages are worked off together, as they come from a broker.
"""

import asyncio
import json
import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bench.http_mutations import PLAIN, mutate
from bench.mutations import CheckingDoor, Found, command
from edge.gateway.accept import Headers, Reading, Refusal, Sender
from edge.gateway.identities import ANYBODY
from edge.gateway.mqtt.batches import Batches
from edge.gateway.mqtt.session import Message
from edge.gateway.mqtt.topic_map import TopicMap
from streams.contracts.topics import DEAD_LETTERS

MUTATIONS_MAX: Final = 4
TOGETHER_MAX: Final = 8
TOPICS: Final = (b"vitals/mon-a/frames", b"box/icu")
MAP: Final = TopicMap([("vitals/{device}/frames", ANYBODY), ("box/+", ANYBODY)])
PAYLOADS: Final = (
    *PLAIN,
    b'{"event_ts_ms":1000,"spo2":97}',
    json.dumps(json.loads(PLAIN[0]), indent=1).encode(),
)


@dataclass
class LetterDoor(CheckingDoor):
    """Keeps the reasons of dead letters, too, and what raw frames it was given."""

    letters: Counter[str] = field(default_factory=Counter)

    async def readings(
        self, sender: Sender, readings: Sequence[Reading], wait_s: float | None = None
    ) -> list[Refusal | None]:
        """Take frames."""
        for reading in readings:
            if reading.raw is not None:  # it goes to Kafka as it came
                json.loads(reading.raw)
        return await super().readings(sender, readings, wait_s)

    async def store(self, topic: str, key: bytes, value: bytes, headers: Headers = ()) -> None:
        """Take a dead letter."""
        if topic != DEAD_LETTERS:
            self.wrong.append(f"a record of {topic}")
        self.letters[dict(headers)["reason"].decode()] += 1


@dataclass
class Counts:
    """Counts what became of frames."""

    results: int = 0

    def answered(self, results: Sequence[Refusal | None], took_s: float) -> None:
        """Count the readings of a batch."""
        self.results += len(results)

    def refused(self, reason: str) -> None:
        """Nothing here has to be tried again."""
        raise AssertionError(reason)


def run(inputs: int, seed: int) -> Found:
    """Work off `inputs` damaged messages; the same seed makes the same."""
    found, chance = Found(), random.Random(seed)
    asyncio.run(_work(inputs, chance, found))
    return found


async def _work(inputs: int, chance: random.Random, found: Found) -> None:
    door, counts = LetterDoor(), Counts()
    batches, left = Batches(door, counts), inputs
    while left:
        number = min(left, chance.randint(1, TOGETHER_MAX))
        left -= number
        messages = [_message(chance, mid) for mid in range(1, number + 1)]
        with found.one(messages):
            acknowledged = await batches.settle(messages, MAP.route)
            if [mid for mid, _ in acknowledged] != list(range(1, number + 1)):
                found.wrong.append(f"acknowledged {acknowledged} of {messages!r}")
            found.outcomes.update(f"message: 0x{code:02x}" for _, code in acknowledged)
    found.outcomes["frame: taken"] = door.kept
    found.outcomes.update({f"frame: {reason}": count for reason, count in door.letters.items()})
    found.wrong += door.wrong
    if counts.results != door.kept + door.letters.total():
        found.wrong.append(
            f"{counts.results} frames, of which {door.kept} are kept and {door.letters.total()} refused"
        )


def _message(chance: random.Random, mid: int) -> Message:
    topic, payload = chance.choice(TOPICS), chance.choice(PAYLOADS)
    for _ in range(chance.randint(1, MUTATIONS_MAX)):
        if chance.randrange(10):
            payload = mutate(chance, payload)
        else:
            topic = mutate(chance, topic)
    return Message(mid, topic.decode(errors="replace"), payload)


if __name__ == "__main__":
    sys.exit(command(__doc__, run))
