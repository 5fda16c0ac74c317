"""What was queued for boards and is on somebody's screen: the milestone `shown`, written by the board that shows it.

A screen counts when its stream is open, it may view the ward, and it has taken what was sent to it. Several boards may
write the same milestone: readers drop copies.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from streams.config.routing import BOARD
from streams.config.settings import Settings
from streams.contracts.deliveries import FINAL, Delivery
from streams.contracts.topics import DELIVERIES
from streams.errors import VigilError
from streams.kafka.producers import DELIVERIES as USE
from streams.kafka.producers import Producer

LOOK_S: Final = 0.5
AGAIN_S: Final = 10.0
"""A milestone that has not come back from the topic by then is written again."""

CONNECT_AGAIN_S: Final = 5.0
PENDING_MAX: Final = 20_000
"""Deliveries that wait to be shown; the oldest go first: delivery itself tells of them."""


class Showing:
    """Deliveries for boards that nobody has seen yet, by their id; times in s of a clock that only rises."""

    def __init__(self) -> None:
        self._pending: OrderedDict[str, Delivery] = OrderedDict()
        self._written_s: dict[str, float] = {}

    def take(self, found: Delivery) -> None:
        """Take a milestone in, in the order of its log."""
        if found.channel != BOARD:
            return
        if found.milestone == "queued":
            self._pending[found.id] = found
            if len(self._pending) > PENDING_MAX:
                self._forget(next(iter(self._pending)))
        elif found.milestone == "shown" or found.milestone in FINAL:
            self._forget(found.id)

    def due(self, is_seen: Callable[[str], bool], now_s: float) -> list[Delivery]:
        """Return what is on a screen and was not written within the last `AGAIN_S`."""
        return [
            found
            for found in self._pending.values()
            if now_s - self._written_s.get(found.id, float("-inf")) >= AGAIN_S and is_seen(found.ward)
        ]

    def written(self, found: Delivery, now_s: float) -> None:
        """Note that a milestone is on its way."""
        self._written_s[found.id] = now_s

    def _forget(self, name: str) -> None:
        self._pending.pop(name, None)
        self._written_s.pop(name, None)


async def write_shown(
    settings: Settings, showing: Showing, is_seen: Callable[[str], bool], wall_ms: Callable[[], int]
) -> None:
    """Write `shown` for what is on a screen, until cancelled; without Kafka it is written later."""
    loop = asyncio.get_running_loop()
    producer: Producer | None = None
    try:
        while True:
            due = showing.due(is_seen, loop.time())
            if due and producer is None:
                try:
                    topic = settings.topic(DELIVERIES)
                    producer = await asyncio.to_thread(Producer, settings, USE, topic)
                except VigilError:
                    await asyncio.sleep(CONNECT_AGAIN_S)
                    continue
            for found in due:
                assert producer is not None, "made as soon as something is due"
                said = found.model_copy(update={"milestone": "shown", "at_ts_ms": wall_ms(), "reason": ""})
                if producer.send(said.patient.encode(), said.model_dump_json().encode()) is None:
                    break  # no room, or Kafka is away
                showing.written(found, loop.time())
            await asyncio.sleep(LOOK_S)
    finally:
        if producer is not None:
            await asyncio.to_thread(producer.close)
