"""The one door to Kafka: who may send for which device, whose frame it is, and that Kafka has it."""

import asyncio
import contextlib
import re
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec
from aiokafka.errors import KafkaError

from edge.gateway.accept import FOREIGN_DEVICE, Filing, Headers, Reading, Refusal, Sender
from edge.gateway.lanes import Call, Lanes, Record
from edge.gateway.link import Link
from edge.gateway.refiler import STORE_MS_MAX
from edge.gateway.room import Room
from streams.config.settings import Settings
from streams.contracts.frame import ID_PATTERN
from streams.contracts.partitions import partition_of
from streams.contracts.topics import READINGS
from streams.errors import Busy, NotStored

ACK_S_MAX: Final = 10.0
"""Longest wait for Kafka's acknowledgement; then the sender is told that it is not known."""

STALLED_S: Final = 3.0
"""A batch that is on its way for so long: Kafka takes nothing, so nothing more is taken in."""

STALLED_RETRY_S: Final = 2.0
HELD_S_MAX: Final = 2.0
"""How long senders are held for what was sent to arrive, and as long for it to be forwarded."""

UNSURE_S: Final = STORE_MS_MAX / 1000
"""For so long what was given up may arrive all the same, and would come in behind what goes another way."""

PATIENTS_KNOWN_MAX: Final = 200_000
DEVICES_KNOWN_MAX: Final = 200_000
"""Bounds on the patients whose partition, and the devices whose right, is kept in mind."""

UNWANTED: Final = Refusal("refused-by-kafka", "Kafka does not want this record, and never will")

_id_form = re.compile(ID_PATTERN).fullmatch
_encode = msgspec.json.Encoder().encode


class KafkaDoor:
    """The door over aiokafka.

    Args:
        settings: bounds and names of topics.
        link: the connection, started.
        filing: says whose a frame is.
        partitions: of the readings.
    """

    def __init__(self, settings: Settings, link: Link, filing: Filing, partitions: int) -> None:
        self._settings, self._link, self._filing = settings, link, filing
        self._topic = settings.topic(READINGS)
        self._lanes = Lanes(link, self._topic)
        self._partitions = partitions
        self._open = asyncio.Event()
        self._open.set()
        self._storing: set[asyncio.Task[None]] = set()
        self._places: dict[str, tuple[bytes, int]] = {}
        self._rights: dict[tuple[str, ...], set[str]] = {}
        self.room = Room(
            settings.gateway_records_max, settings.gateway_bytes_max, settings.gateway_client_share
        )

    async def readings(
        self, sender: Sender, readings: Sequence[Reading], wait_s: float | None = None
    ) -> list[Refusal | None]:
        """File and store frames, in their order; one answer each, None = in Kafka.

        A frame's `patient` is changed to the one it is filed under. Kafka is waited for `wait_s`, or `ACK_S_MAX`.

        Raises:
            Busy: there is no room; nothing was taken.
            NotStored: it is not known whether Kafka has them.
        """
        if not self._open.is_set():
            await self._let_on(sender, len(readings))  # from here to the lanes nothing waits
        self._see_that_it_flows()
        answers: list[Refusal | None] = [None] * len(readings)
        records: list[Record | None] = []
        shares: defaultdict[int, list[Record]] = defaultdict(list)
        may = self._rights_of(sender)
        patient_at, names, places = self._filing.patient_at, sender.names_patients, self._places
        size_bytes = 0
        for reading in readings:
            frame, value = reading.frame, reading.raw
            device = frame.device
            if device not in may and not self._learn_device(sender, may, device):
                answers[len(records)] = FOREIGN_DEVICE
                records.append(None)
                continue
            patient = patient_at(device, frame.event_ts_ms, frame.patient if names else "")
            place = places.get(patient) or self._learn_patient(patient)
            if value is None or patient != frame.patient:
                frame.patient = patient
                value = _encode(frame)
            size_bytes += len(value)
            record = (place[0], value)
            records.append(record)
            shares[place[1]].append(record)
        del readings  # who gave them may have forgotten them, too: only records wait for Kafka
        if shares:
            refused = await self._stored(sender, shares, len(records), size_bytes, wait_s)
            if refused:
                ids = {id(record) for record in refused}
                answers = [
                    UNWANTED if id(record) in ids else answer
                    for record, answer in zip(records, answers, strict=True)
                ]
        return answers

    async def store(self, topic: str, key: bytes, value: bytes, headers: Headers = ()) -> None:
        """Store one record of another topic, by its name in `streams.contracts.topics`.

        Raises:
            Busy: there is no room.
            NotStored: Kafka did not say that it has it.
        """
        taken = self.room.take(topic, 1, len(value))
        # Who waits for it may give up before; how long it may still arrive must not hang on that.
        storing = asyncio.create_task(self._store(topic, key, value, headers))
        self._storing.add(storing)

        def done(task: asyncio.Task[None]) -> None:
            self._storing.discard(task)
            self.room.give_back(topic, 1, taken)
            if not task.cancelled():
                task.exception()  # asked for, or asyncio logs it where nobody waits any more

        storing.add_done_callback(done)
        await asyncio.shield(storing)

    async def _store(self, topic: str, key: bytes, value: bytes, headers: Headers) -> None:
        producer = self._link.producer()
        try:
            async with asyncio.timeout(ACK_S_MAX):
                await producer.send_and_wait(self._settings.topic(topic), value, key, headers=list(headers))
        except TimeoutError:
            # With brokers away it would arrive whenever they are back, over what has been told since.
            self._link.retire(producer)
            raise NotStored(f"Kafka has not acknowledged it within {ACK_S_MAX:g} s; send it again") from None
        except KafkaError as error:
            self._link.retire(producer)
            raise NotStored(f"Kafka did not take it: {type(error).__name__}; send it again") from None

    def flows(self) -> bool:
        """Tell whether readings can be filed, and Kafka takes what is sent."""
        return self._filing.is_current() and self._lanes.oldest_s(time.monotonic()) < STALLED_S

    def look_at_partitions(self) -> None:
        """Follow the number of partitions that the brokers tell; called now and then."""
        found = self._link.known_partitions(self._topic)
        if found and found != self._partitions:
            self._partitions = found
            self._places.clear()

    async def move(self, topic: str, forwarded: Callable[[float], Awaitable[bool]] | None) -> bool:
        """Go over to another topic of readings, by its name on the broker; False = not now, and all is as before.

        Senders are held meanwhile: what went the old way must have arrived, and have been `forwarded`, which is asked
        for within so many seconds, before a frame of the same patient goes the new way. `forwarded` None = the topic
        before is no more: what is on its way there is not stored.

        Raises:
            TopicsMismatch: there is no such topic.
            VigilError: whether it was forwarded could not be seen.
        """
        partitions = await self._link.partitions(topic)
        self._open.clear()
        try:
            if forwarded is None:
                await self._lanes.stop(HELD_S_MAX)
            elif not (await self._lanes.rest(HELD_S_MAX) and await self._arrived(forwarded)):
                return False
            self._topic, self._lanes, self._partitions = topic, Lanes(self._link, topic), partitions
            self._places.clear()
            self._link.follow(topic)
            return True
        finally:
            self._open.set()

    async def _arrived(self, forwarded: Callable[[float], Awaitable[bool]]) -> bool:
        """Ask, and wait no longer than `HELD_S_MAX`: brokers may take far longer for an answer."""
        if time.monotonic() - self._lanes.unsure_s < UNSURE_S:
            return False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HELD_S_MAX):
                return await forwarded(HELD_S_MAX)
        return False

    async def stop(self, wait_s: float) -> None:
        """Let what is on its way arrive, at most so long."""
        storing = asyncio.wait(self._storing, timeout=wait_s) if self._storing else asyncio.sleep(0)
        await asyncio.gather(self._lanes.stop(wait_s), storing)

    async def _let_on(self, sender: Sender, count: int) -> None:
        """Hold a sender while the door goes over, twice `HELD_S_MAX` at most; raises `Busy` where too much is held."""
        taken = self.room.take(sender.name, count, 0)
        try:
            await self._open.wait()
        finally:
            self.room.give_back(sender.name, count, taken)

    def _see_that_it_flows(self) -> None:
        if not self.flows():
            raise Busy("Kafka takes nothing at the moment", STALLED_RETRY_S)

    async def _stored(
        self,
        sender: Sender,
        shares: dict[int, list[Record]],
        records: int,
        size_bytes: int,
        wait_s: float | None,
    ) -> list[Record]:
        """Send the shares and wait for all of them; return the records that the broker does not want."""
        taken = self.room.take(sender.name, records, size_bytes)
        call = Call(len(shares))
        try:
            self._lanes.put(call, shares)
            await call.wait(ACK_S_MAX if wait_s is None else wait_s)
        finally:
            self.room.give_back(sender.name, records, taken)
        if call.failed:
            raise NotStored(f"{call.failed}; send it again")
        return call.refused

    def _rights_of(self, sender: Sender) -> set[str]:
        """Return the devices that are known to be among those of a sender."""
        if len(self._rights) > DEVICES_KNOWN_MAX:
            self._rights.clear()
        return self._rights.setdefault(sender.devices, set())

    def _learn_device(self, sender: Sender, may: set[str], device: str) -> bool:
        """Tell whether a sender may send for a device, and keep in mind that it may."""
        if not _id_form(device) or not sender.may_send_for(device):
            return False
        if len(may) >= DEVICES_KNOWN_MAX:
            may.clear()
        may.add(device)
        return True

    def _learn_patient(self, patient: str) -> tuple[bytes, int]:
        """Return a patient's key and partition, and keep them in mind."""
        if len(self._places) >= PATIENTS_KNOWN_MAX:
            self._places.clear()
        place = self._places[patient] = (patient.encode(), partition_of(patient, self._partitions))
        return place
