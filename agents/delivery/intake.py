"""Puts alerts with their ward, and milestones, into the one log that delivery decides by.

Stateless: a record counts as done when the broker has it there. One that is put there twice, because the process died
in between, is dropped by its id or its rank where it is decided.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from pydantic import ValidationError

from agents.dead_letters import DeadLetters
from agents.health.canary import CANARY
from streams.config.settings import Settings
from streams.contracts.alert import Alert
from streams.contracts.deliveries import Delivery
from streams.contracts.escalations import Told
from streams.contracts.partitions import partition_of
from streams.contracts.topics import ALERTS, ESCALATIONS
from streams.decoding.decoded import Record, Reject
from streams.decoding.sealed import first_fault
from streams.kafka.publisher import Publisher
from streams.lane.protocol import Lane
from streams.lane.work_off import Admitted

MILESTONE_MS_MAX: Final = 86_400_000
"""Milestones of older days concern nobody any more: who begins to read them all passes them over."""


class _Rule(msgspec.Struct):
    rule: str = ""


_rule_of = msgspec.json.Decoder(_Rule).decode


@dataclass(slots=True)
class Intake:
    """Everything the two agents work with; `alerts` and `milestones` are the agents themselves."""

    settings: Settings
    publisher: Publisher
    dead_letters: DeadLetters
    lane: Lane
    """Told what is in the log."""
    ready: Callable[[], Awaitable[None]]
    """Waits until the wards are known."""
    ward_of: Callable[[str], str]
    wall_s: Callable[[], float] = time.time

    async def forward(self, admitted: Admitted) -> None:
        """Put the records of blocks into the log."""
        await self.ready()
        to = self.settings.topic(ESCALATIONS)
        for block, records in admitted:
            read = self._told if block.topic == self.settings.topic(ALERTS) else self._milestone
            for found in self._read(read, records):
                if isinstance(found, Reject):
                    await self.dead_letters.refuse(found, block.topic, block.partition)
                    continue
                patient, value = found
                partition = partition_of(patient, self.settings.partitions)
                await self.publisher.publish(to, patient.encode(), value, partition=partition)
        await self.publisher.settled()
        for block, _ in admitted:
            self.lane.durable(block.topic, block.partition, block.offset + 1)

    @staticmethod
    def _read(
        read: Callable[[Record], tuple[str, bytes] | None], records: Sequence[Record]
    ) -> list[tuple[str, bytes] | Reject]:
        found: list[tuple[str, bytes] | Reject] = []
        for record in records:
            try:
                if (one := read(record)) is not None:
                    found.append(one)
            except ValidationError as error:
                found.append(Reject(record, "invalid", first_fault(error)))
        return found

    def _told(self, record: Record) -> tuple[str, bytes] | None:
        """Return an alert with its ward; None for a canary's, which concerns nobody."""
        value = record.value or b""
        try:
            if _rule_of(value).rule == CANARY:
                return None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            pass  # the model says what is wrong with it
        alert = Alert.model_validate_json(value)
        told = Told(ward=self.ward_of(alert.patient), told_ts_ms=record.timestamp, alert=alert)
        return alert.patient, told.model_dump_json().encode()

    def _milestone(self, record: Record) -> tuple[str, bytes] | None:
        """Return a milestone as it is; None for one of older days."""
        value = record.value or b""
        delivery = Delivery.model_validate_json(value)
        if self.wall_s() * 1000 - delivery.at_ts_ms > MILESTONE_MS_MAX:
            return None
        return delivery.patient, value
