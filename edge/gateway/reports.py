"""What is told of who is on which device: reports of an association, and a hospital's admissions."""

from dataclasses import dataclass
from typing import Literal, Protocol

from edge.gateway.accept import Refusal, Sender

AdtKind = Literal["admit", "transfer", "discharge", "update", "cancel-transfer", "cancel-discharge", "merge"]


@dataclass(frozen=True, slots=True)
class AssociationReport:
    """A device is on a patient in [`from_ms`, `until_ms`): IHE PCIM (DEV-51), or the command line.

    `from_ms` is None where an end or a confirmation does not say when it began: then that stands as it was told under
    the same `id`, or of the device's open association with the patient where the id is new.
    The same `id` again replaces what was told under it: the end of an association has its beginning's id. `validated`
    is whether a person confirmed it; what nobody confirmed never stands against what somebody did.
    """

    id: str
    device: str
    patient: str
    from_ms: int | None
    until_ms: int | None
    reporter: str
    validated: bool


@dataclass(frozen=True, slots=True)
class AdtEvent:
    """One HL7 v2 ADT message, as far as devices care.

    Places are PV1-3 and PV1-6 as "point of care:room:bed", one id. `prior_patient` is the one merged away
    (MRG-1). `event_ms` is when it happened (EVN-6, else EVN-2, else MSH-7); `id` is the message's (MSH-10).
    """

    kind: AdtKind
    patient: str
    place: str | None
    prior_patient: str | None
    prior_place: str | None
    event_ms: int
    id: str


class Registrar(Protocol):
    """Who takes reports. Both return only when Kafka has what was told, and raise `Busy` or `NotStored`."""

    async def associate(self, sender: Sender, report: AssociationReport) -> Refusal | None:
        """File a report; a refusal where it contradicts what stands ("device is associated with another patient")."""

    async def adt(self, sender: Sender, event: AdtEvent) -> Refusal | None:
        """File what an ADT message says of the devices placed at its beds."""
