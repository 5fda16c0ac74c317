"""What a protocol hands over and gets back: the one door to Kafka, as protocols see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from streams.decoding.wire_frames import WireFrame
from streams.errors import Busy, NotStored

__all__ = ["FOREIGN_DEVICE", "Busy", "Door", "Filing", "NotStored", "Reading", "Refusal", "Sender"]


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends, as security has established it.

    `devices` are the device ids that it may send for (a trailing `*` stands for any ending); `names_patients` allows
    it to say itself whose frame it is, where no association does, and who is where (associations, ADT).
    """

    name: str
    devices: tuple[str, ...]
    names_patients: bool = False

    def may_send_for(self, device: str) -> bool:
        """Tell whether a device is among its own."""
        return any(
            device.startswith(own[:-1]) if own.endswith("*") else device == own for own in self.devices
        )


class Reading(msgspec.Struct, gc=False):
    """A frame as a protocol gives it; `frame.patient` is the patient it names, empty where it names none.

    `raw` is the frame's JSON as it came, if it is the contract's and may go to Kafka as it is.
    """

    frame: WireFrame
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something was not taken: `reason` for metrics and answers (a fixed vocabulary), `detail` for a person."""

    reason: str
    detail: str


FOREIGN_DEVICE: Final = Refusal("foreign-device", "you may not send for this device")


Headers = Sequence[tuple[str, bytes]]
"""Of a record."""


class Filing(Protocol):
    """Says whose a frame or an alarm is."""

    def patient_at(self, device: str, event_ts_ms: int, named: str) -> str:
        """Return the stream that a device's frame of this moment belongs to; `named` is whom the sender names."""

    def is_current(self) -> bool:
        """Tell whether what it knows is young enough to file by."""


class Door(Protocol):
    """The one way into Kafka. What returns without an error is there, on all copies that Kafka asks for."""

    async def readings(
        self, sender: Sender, readings: Sequence[Reading], wait_s: float | None = None
    ) -> list[Refusal | None]:
        """File and store frames, in their order; one answer each, None = in Kafka. Waits at most `wait_s`.

        Raises:
            Busy: there is no room; nothing was taken.
            NotStored: it is not known whether Kafka has them.
        """

    async def store(self, topic: str, key: bytes, value: bytes, headers: Headers = ()) -> None:
        """Store one record of another topic, by its name in `streams.contracts.topics`; raises as `readings` does."""
