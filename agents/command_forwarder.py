"""The commands agent: puts each signed command into the readings log, sealed, into every partition.

Only what the door signed where the person was signed in (`streams.contracts.seals`); the rest is a dead letter,
refused where it says enough to be answered, and told of: a sealed mark in the readings makes the partition's judge
tell it. A command's place in the readings is when it takes effect. Every partition, because a patient may be judged in
another one than the name's hash says. A command for a whole ward goes, sealed likewise, to `vitals.wards`, where the
ward is judged. It counts as done only when the broker has it; one that is forwarded twice, because the worker died in
between, is applied once by its id. Answers on the same topic are passed over.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec
from pydantic import ValidationError

from agents.dead_letters import DeadLetters
from streams.config.settings import Settings
from streams.contracts.alert import WARD
from streams.contracts.command import (
    COMMAND_BYTES_MAX,
    COMMAND_KEY,
    UNSIGNED,
    Answer,
    Command,
    Commanded,
    Order,
    Signed,
)
from streams.contracts.partition_alerts import NOTE_KEY
from streams.contracts.partitions import partition_of
from streams.contracts.seals import Place, Seals
from streams.contracts.topics import READINGS, WARDS
from streams.decoding.decoded import Noted, Record, Reject
from streams.decoding.decoder import read_note
from streams.decoding.sealed import read_signed
from streams.kafka.publisher import Publisher
from streams.lane.block import Block
from streams.lane.protocol import Lane
from streams.lane.work_off import Admitted


class _Kind(msgspec.Struct):
    kind: str = ""


_kind_of = msgspec.json.Decoder(_Kind).decode


@dataclass(slots=True)
class Commands:
    """Everything the agent works with."""

    settings: Settings
    seals: Seals
    publisher: Publisher
    dead_letters: DeadLetters
    lane: Lane
    """Told what has been forwarded."""
    end_note: Callable[[Noted, str, int], Awaitable[None]]
    """Tells that what a note about a partition of commands says is over."""

    async def forward(self, admitted: Admitted) -> None:
        """Forward the commands among records; what is neither command nor answer becomes a dead letter."""
        for block, records in admitted:
            await self._forward(block, records)

    async def _forward(self, block: Block, records: Sequence[Record]) -> None:
        unproven: Record | None = None
        for record in records:
            if _is_answer(record.value):
                continue
            if record.key == NOTE_KEY and isinstance(noted := read_note(record, self.seals), Noted):
                await self.end_note(noted, block.topic, block.partition)
                continue
            found = self._read(record)
            if isinstance(found, Reject):
                await self.dead_letters.refuse(found, block.topic, block.partition)
                if found.reason == "unproven-command":
                    unproven = record
                    await self._refuse(found, block)
                continue
            commanded, content = found
            value = self.seals.seal(COMMAND_KEY, Place(block.partition, record.offset), content)
            for topic, partition in self._judges_of(commanded.order.root.patient):
                await self.publisher.publish(topic, COMMAND_KEY, value, partition=partition)
        if unproven is not None:
            await self._tell_of(unproven, block.partition)
        await self.publisher.settled()
        self.lane.durable(block.topic, block.partition, block.offset + 1)

    def _read(self, record: Record) -> tuple[Commanded, bytes] | Reject:
        found = read_signed(record, self.seals)
        if not isinstance(found, Reject) and record.key != found[0].order.root.patient.encode():
            return Reject(record, "key-mismatch", "the record's key must be the command's patient")
        return found

    async def _refuse(self, reject: Reject, block: Block) -> None:
        """Answer who sent a command unsigned, or signed by nobody known, if it says what it is."""
        record = reject.record
        order = _claimed(record.value or b"")
        if order is None or record.key != order.patient.encode():
            return
        answer = Answer(
            id=order.id,
            patient=order.patient,
            command=order.kind,
            outcome="refused",
            reason=f"nobody who is signed in has ordered this: {reject.detail}",
            offset=-1,
            append_ts_ms=record.timestamp,
            order_partition=block.partition,
            order_offset=record.offset,
            monitored=False,
        )
        value = answer.model_dump_json().encode()
        await self.publisher.publish(block.topic, record.key, value, partition=block.partition)

    async def _tell_of(self, record: Record, partition: int) -> None:
        """Let the judge of the readings tell of unproven commands, by one mark for all of a block."""
        mark = self.seals.seal(COMMAND_KEY, Place(partition, record.offset), UNSIGNED)
        await self.publisher.publish(
            self.settings.topic(READINGS), COMMAND_KEY, mark, partition=partition % self.settings.partitions
        )

    def _judges_of(self, patient: str) -> list[tuple[str, int]]:
        """Return the topics and partitions where a patient's, a partition's or a ward's commands are judged."""
        settings = self.settings
        if patient.startswith(WARD):
            ward = patient.removeprefix(WARD)
            return [(settings.topic(WARDS), partition_of(ward, settings.partitions))]
        return [(settings.topic(READINGS), partition) for partition in range(settings.reading_partitions)]


def _claimed(value: bytes) -> Order | None:
    """Return the command that an unproven record claims to be, signed or bare."""
    if len(value) > COMMAND_BYTES_MAX:
        return None
    for model in (Signed, Command):
        try:
            found = model.model_validate_json(value)
        except ValidationError:
            continue
        return found.content.order.root if isinstance(found, Signed) else found.root
    return None


def _is_answer(value: bytes | None) -> bool:
    try:
        return value is not None and _kind_of(value).kind == "answer"
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
