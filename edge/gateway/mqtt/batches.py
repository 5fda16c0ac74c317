"""What becomes of messages of MQTT: their frames through the door in few calls, what is refused to the dead letters."""

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol, TypeVar

from edge.gateway.accept import FOREIGN_DEVICE, Busy, Door, NotStored, Reading, Refusal, Sender
from edge.gateway.items import TooMany, Unreadable, read_items, split_json, split_lines
from edge.gateway.mqtt.session import Message
from edge.gateway.mqtt.topic_map import Route
from edge.gateway.opaque_ids import opaque
from streams.contracts.topics import DEAD_LETTERS

HOLD_S_MAX: Final = 20.0
"""So long messages are tried again where Kafka has no room or says nothing; then the broker has to send them again."""

STEP_S_MIN: Final = 0.05
STEP_S_MAX: Final = 1.0

LETTER_BYTES_MAX: Final = 64 * 1024
"""Of what is refused, so much is kept, as of a record that a worker refuses."""

LETTERS_AT_ONCE: Final = 1_000
"""On their way to Kafka: a message of which every frame is refused makes ten thousand, and a batch has several."""

DETAIL_CHARACTERS_MAX: Final = 300

TAKEN: Final = 0x00
OTHERWISE: Final = 0x83
"""MQTT 5, 2.4: reason codes; the second is "implementation specific error"."""

REASON_CODES: Final = {
    "unknown-topic": 0x90,
    "foreign-device": 0x87,
    "not-json": 0x99,
    "invalid": 0x99,
    "malformed": 0x99,
    "too-large": 0x97,
}
"""Topic name invalid, not authorized, payload format invalid, quota exceeded."""


class Counted(Protocol):
    """Counts what becomes of messages; reasons are of a fixed vocabulary."""

    def answered(self, results: Sequence[Refusal | None], took_s: float) -> None:
        """Count the readings of a batch."""

    def refused(self, reason: str) -> None:
        """Count a batch that has to be tried again."""


T = TypeVar("T")
logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Item:
    """A frame of the message at `place` of its batch, or what should have been one."""

    place: int
    topic: str
    text: bytes
    reading: Reading | None = None
    refusal: Refusal | None = None


class Batches:
    """Stores messages.

    Args:
        door: the way into Kafka.
        counted: counts.
    """

    def __init__(self, door: Door, counted: Counted) -> None:
        self._door, self._counted = door, counted

    async def settle(
        self, messages: Sequence[Message], route: Callable[[str], Route | Refusal]
    ) -> list[tuple[int, int]]:
        """Store messages, each client's in their order, and return what to acknowledge, and with which reason code.

        Whatever is returned is in Kafka: frames among the readings, what was refused among the dead letters.

        Raises:
            Busy: there was no room for `HOLD_S_MAX`.
            NotStored: for so long it is not known whether Kafka has them.
        """
        began_s = time.monotonic()
        items: list[_Item] = []
        groups: dict[str, tuple[Sender, list[_Item]]] = {}
        for place, message in enumerate(messages):
            to = route(message.topic)
            if isinstance(to, Refusal):
                items.append(_Item(place, message.topic, message.payload, refusal=to))
                continue
            read = self._items_of(place, message, to)
            items += read
            own = groups.setdefault(to.sender.name, (to.sender, []))[1]
            own += [item for item in read if item.reading is not None]
        until_s = asyncio.get_running_loop().time() + HOLD_S_MAX
        # Beside each other: nobody waits for another client's room, nor for Kafka once a client.
        _raise_first(
            await asyncio.gather(
                *(self._store(sender, group, until_s) for sender, group in groups.values() if group),
                return_exceptions=True,
            )
        )
        letters = [item for item in items if item.refusal is not None]
        if letters:
            await self._kept_trying(partial(self._bury, letters), until_s)
        self._counted.answered([item.refusal for item in items], time.monotonic() - began_s)
        return _acknowledgements(messages, items)

    def _items_of(self, place: int, message: Message, to: Route) -> list[_Item]:
        """Return a message's frames; one of another form is refused as it came."""
        if to.read is None:
            return _items_of(place, message, to.device)
        try:
            found, faults = to.read(message.payload, to.device)
        except Exception as error:  # a fault of ours in one message must not hold up all that follow
            logger.error("a message could not be read: %s", type(error).__name__)
            found, faults = [Refusal("internal", "it could not be handled: tell the gateway's makers")], []
        for fault in faults:
            self._counted.refused(fault)
        # Another form's devices are named as they like, and so is the topic's: both become ids alike.
        device = opaque(to.device) if to.device else ""
        return [_own_item(place, message.topic, message.payload, one, device) for one in found]

    async def _store(self, sender: Sender, group: list[_Item], until_s: float) -> None:
        readings = [item.reading for item in group if item.reading is not None]
        # The door writes into a frame whom it filed it under; another try must know whom the sender named.
        named = [one.frame.patient for one in readings]

        async def store() -> list[Refusal | None]:
            for reading, patient in zip(readings, named, strict=True):
                reading.frame.patient = patient
            return await self._door.readings(sender, readings)

        results = await self._kept_trying(store, until_s)
        for item, result in zip(group, results, strict=True):
            item.refusal = result

    async def _bury(self, letters: list[_Item]) -> None:
        """Write what was refused to the dead letters; what could not be written is left in the list, and raised."""
        while letters:
            some = letters[:LETTERS_AT_ONCE]
            stored = await asyncio.gather(
                *(self._door.store(DEAD_LETTERS, *_letter(item)) for item in some), return_exceptions=True
            )
            letters[: len(some)] = [
                item for item, error in zip(some, stored, strict=True) if error is not None
            ]
            _raise_first(stored)

    async def _kept_trying(self, store: Callable[[], Awaitable[T]], until_s: float) -> T:
        """Store, again where there was no room, until then at most."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                return await store()
            except (Busy, NotStored) as error:
                if isinstance(error, Busy):
                    self._counted.refused("busy" if error.kafka else "busy-client")
                    wait_s = min(max(error.retry_after_s, STEP_S_MIN), STEP_S_MAX)
                else:
                    self._counted.refused("not-stored")
                    wait_s = STEP_S_MAX
                if loop.time() + wait_s >= until_s:
                    raise
            await asyncio.sleep(wait_s)


def split(payload: bytes) -> list[bytes]:
    """Return the frames of a message: one object, an array, or NDJSON, which has a whole object in its first line.

    Raises:
        Unreadable: it is no array of JSON.
        TooMany: it has more than one message may have.
    """
    first, newline, _ = payload.partition(b"\n")
    if newline and first.rstrip().endswith(b"}"):
        return split_lines(payload)
    return split_json(payload)


def _items_of(place: int, message: Message, device: str) -> list[_Item]:
    """Return the frames of a message in their order; whole, its text is refused where there is none."""
    topic, payload = message.topic, message.payload
    # A frame without boot and seq is told from others by the message alone: sent again, it is the same.
    identity = hashlib.sha256(topic.encode("utf-8", "surrogatepass") + b"\0" + payload).hexdigest()
    try:
        texts = split(payload)
        found = read_items(texts, identity, device)
    except (TooMany, Unreadable) as error:
        reason = "too-large" if isinstance(error, TooMany) else "malformed"
        return [_Item(place, topic, payload, refusal=Refusal(reason, str(error)))]
    if not found:
        return [_Item(place, topic, payload, refusal=Refusal("malformed", "the message holds no reading"))]
    return [_own_item(place, topic, text, one, device) for text, one in zip(texts, found, strict=True)]


def _own_item(place: int, topic: str, text: bytes, one: Reading | Refusal, device: str) -> _Item:
    """Return a reading as an item where it is of the topic's device, if the topic has one."""
    if isinstance(one, Refusal):
        return _Item(place, topic, text, refusal=one)
    if device and one.frame.device != device:
        return _Item(place, topic, text, refusal=FOREIGN_DEVICE)
    return _Item(place, topic, text, one)


def _raise_first(results: Sequence[BaseException | None]) -> None:
    if failure := next((error for error in results if error is not None), None):
        raise failure


def _letter(item: _Item) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    """Return key, value and headers of a dead letter."""
    refusal = item.refusal
    assert refusal is not None
    headers = [
        ("reason", refusal.reason.encode()),
        ("detail", refusal.detail[:DETAIL_CHARACTERS_MAX].encode(errors="replace")),
        ("protocol", b"mqtt"),
        ("value_bytes", str(len(item.text)).encode()),
    ]
    return item.topic.encode(errors="replace")[:1024], item.text[:LETTER_BYTES_MAX], headers


def _acknowledgements(messages: Sequence[Message], items: Sequence[_Item]) -> list[tuple[int, int]]:
    """Return each message's id with its reason code: a failure only where nothing of it was taken."""
    codes = [-1] * len(messages)
    for item in items:
        if item.refusal is None:
            codes[item.place] = TAKEN
        elif codes[item.place] < 0:
            codes[item.place] = REASON_CODES.get(item.refusal.reason, OTHERWISE)
    return [(message.mid, code) for message, code in zip(messages, codes, strict=True) if message.mid]
