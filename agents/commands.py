"""The commands agent: puts each command into the readings log, sealed, into every partition.

Its place there is when it takes effect. Every partition, because a patient may be judged in another one than the name's
hash says. A command for a whole ward goes, sealed likewise, to `vitals.wards`, where the ward is judged. It counts as
done only when the broker has it; one that is forwarded twice, because the worker died in between, is applied once by
its id. Answers on the same topic are passed over.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from agents.blocks import Admitted, work_off
from agents.dead_letters import DeadLetters
from streams.alerts import WARD
from streams.block import Block
from streams.commands import COMMAND_KEY
from streams.decode import read_command, read_note
from streams.decoded import Noted, Record, Reject
from streams.partition_alerts import NOTE_KEY
from streams.partitions import partition_of
from streams.publisher import Publisher, fail_stop
from streams.seals import Place, Seals
from streams.settings import Settings
from streams.topics import READINGS, WARDS


class _Kind(msgspec.Struct):
    kind: str = ""


_kind_of = msgspec.json.Decoder(_Kind).decode


@dataclass(slots=True)
class Commands:
    """Everything the agent works with; `watch` is the agent itself."""

    settings: Settings
    seals: Seals
    publisher: Publisher
    dead_letters: DeadLetters
    admit: Callable[[Block], Awaitable[list[Any] | None]]
    mark_durable: Callable[[int, int], None]
    """Told (partition, offset) when everything below the offset has been forwarded."""
    end_note: Callable[[Noted], Awaitable[None]]
    """Tells that what a note about a partition of commands says is over."""
    on_failure: Callable[[str], None] = fail_stop

    async def watch(self, stream: Any) -> None:
        """Forward every block of the commands topic, in order."""
        await work_off(stream, self.admit, self.forward, self.on_failure)

    async def forward(self, admitted: Admitted) -> None:
        """Forward the commands among records; what is neither command nor answer becomes a dead letter."""
        for block, records in admitted:
            await self._forward(block, records)

    async def _forward(self, block: Block, records: Sequence[Record]) -> None:
        for record in records:
            if _is_answer(record.value):
                continue
            if record.key == NOTE_KEY and isinstance(noted := read_note(record), Noted):
                await self.end_note(noted)
                continue
            said = record.value or b""
            order = read_command(record, said)
            if not isinstance(order, Reject) and record.key != order.patient.encode():
                order = Reject(record, "key-mismatch", "the record's key must be the command's patient")
            if isinstance(order, Reject):
                await self.dead_letters.refuse(order, block.topic, block.partition)
                continue
            value = self.seals.seal(COMMAND_KEY, Place(block.partition, record.offset), said)
            for topic, partition in self._judges_of(order.patient):
                await self.publisher.publish(topic, COMMAND_KEY, value, partition=partition)
        await self.publisher.settled()
        self.mark_durable(block.partition, block.offset + 1)

    def _judges_of(self, patient: str) -> list[tuple[str, int]]:
        """Return the topics and partitions where a patient's, a partition's or a ward's commands are judged."""
        count = self.settings.partitions
        if patient.startswith(WARD):
            return [(self.settings.topic(WARDS), partition_of(patient.removeprefix(WARD), count))]
        return [(self.settings.topic(READINGS), partition) for partition in range(count)]


def _is_answer(value: bytes | None) -> bool:
    try:
        return value is not None and _kind_of(value).kind == "answer"
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
