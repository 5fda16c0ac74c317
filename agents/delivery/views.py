"""Who is on and which ward a patient is of: two compacted topics, followed in a thread, in no group.

What is read is handed over in order and taken in by the event loop when it asks, so that nothing is shared.
"""

import asyncio
import logging
import threading
from collections import deque
from contextlib import closing
from typing import Any, Final, NamedTuple

import msgspec
from kafka import TopicPartition
from kafka.errors import KafkaError
from pydantic import ValidationError

from streams.config.settings import Settings
from streams.contracts.alert import WARD
from streams.contracts.deliveries import Assignment
from streams.contracts.duty import Duty
from streams.contracts.topics import ASSIGNMENTS, LIMITS
from streams.errors import VigilError
from streams.kafka.connect import connect_consumer
from streams.kafka.log_end import READ_S_MAX, ends_of

POLL_MS: Final = 200
AGAIN_S: Final = 1.0
"""Between two tries to reach a broker."""

logger = logging.getLogger(__name__)


class _InForce(msgspec.Struct):
    """What is read of a patient's limits in force."""

    ward: str = ""


_in_force = msgspec.json.Decoder(_InForce).decode


class _Heard(NamedTuple):
    topic: str
    partition: int
    key: bytes
    value: bytes | None


class Views:
    """Both views, each empty until `start` has read it to its end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topics = settings.topic(ASSIGNMENTS), settings.topic(LIMITS)
        self._heard: deque[_Heard | None] = deque()
        """What came, in order; None = all before it counts no more, it is read again from the start."""
        self._duty = Duty()
        self._wards: dict[str, dict[int, str]] = {}
        self._stop, self._ready = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="delivery-views", daemon=True)
        self.skipped = 0
        """Records that could not be read."""

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def close(self) -> None:
        """Cease to follow."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(AGAIN_S + 2 * POLL_MS / 1000)

    async def ready(self) -> None:
        """Wait until both were read to their ends.

        Raises:
            VigilError: they were not in time.
        """
        if not self._ready.is_set() and not await asyncio.to_thread(self._ready.wait, READ_S_MAX):
            raise VigilError(
                f"{' and '.join(self._topics)} were not read to their ends within {READ_S_MAX:g} s"
            )

    def on(self, patient: str, ward: str, role: str, now_ms: int) -> tuple[str, ...]:
        """Return who is on for a patient in a role at a moment (ms)."""
        self._take_in()
        return self._duty.on(patient, ward, role, now_ms)

    def ward_of(self, patient: str) -> str:
        """Return a patient's ward, the ward itself for its own alarms, empty where none is known."""
        if patient.startswith(WARD):
            return patient.removeprefix(WARD)
        self._take_in()
        return next(iter(self._wards.get(patient, {}).values()), "")

    @property
    def assignments(self) -> int:
        """How many assignments are known."""
        self._take_in()
        return len(self._duty)

    def _take_in(self) -> None:
        while self._heard:
            heard = self._heard.popleft()
            if heard is None:
                self._duty, self._wards = Duty(), {}
            elif heard.topic == self._topics[0]:
                self._take_assignment(heard)
            else:
                self._take_ward(heard)

    def _take_assignment(self, heard: _Heard) -> None:
        try:
            said = None if heard.value is None else Assignment.model_validate_json(heard.value)
        except ValidationError:
            self.skipped += 1
            return
        if said is not None and said.key() != heard.key:
            self.skipped += 1
            return
        self._duty.take(heard.key, said)

    def _take_ward(self, heard: _Heard) -> None:
        patient = heard.key.decode(errors="replace")
        wards = self._wards.setdefault(patient, {})
        wards.pop(heard.partition, None)
        if heard.value is not None:
            try:
                wards[heard.partition] = _in_force(heard.value).ward
            except (msgspec.MsgspecError, UnicodeDecodeError):
                self.skipped += 1
        if not wards:
            del self._wards[patient]

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except (KafkaError, VigilError, OSError) as error:
                logger.warning("assignments and wards cannot be followed, tried again: %s", error)
                self._stop.wait(AGAIN_S)

    def _follow(self) -> None:
        with closing(connect_consumer(self._settings, allow_auto_create_topics=False)) as consumer:
            tps = [
                TopicPartition(topic, number)
                for topic in self._topics
                for number in sorted(consumer.partitions_for_topic(topic) or ())
            ]
            ends = ends_of(consumer, tps)
            consumer.assign(tps)
            consumer.seek_to_beginning(*tps)
            anew: list[_Heard] = []
            while any(consumer.position(tp) < end for tp, end in ends.items()) and not self._stop.is_set():
                anew += _poll(consumer)
            # What is known counts until all of it was read again: a person who is on is not missed meanwhile.
            self._heard.extend([None, *anew])
            self._ready.set()
            while not self._stop.is_set():
                self._heard.extend(_poll(consumer))


def _poll(consumer: Any) -> list[_Heard]:
    return [
        _Heard(tp.topic, tp.partition, record.key or b"", record.value)
        for tp, records in consumer.poll(timeout_ms=POLL_MS).items()
        for record in records
    ]
