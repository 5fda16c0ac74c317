"""What is told of who is on which device: reports of an association, a hospital's admissions, visits and places."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from edge.gateway.accept import Refusal, Sender

AdtKind = Literal["admit", "transfer", "discharge", "update", "cancel-transfer", "cancel-discharge", "merge"]


@dataclass(frozen=True, slots=True)
class AssociationReport:
    """A device is on a patient in [`from_ms`, `until_ms`): IHE PCIM (DEV-51), or a DeviceAssociation of FHIR.

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
    source: Literal["pcim", "fhir"] = "pcim"


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


@dataclass(frozen=True, slots=True)
class StayReport:
    """A patient is at a place in [`from_ms`, `until_ms`), None = still; by its name, or by its sender's id of it."""

    from_ms: int
    until_ms: int | None
    place: str = ""
    place_id: str = ""


@dataclass(frozen=True, slots=True)
class VisitReport:
    """All that an Encounter of FHIR says of where a patient is and was.

    `stays` None: it does not say where, so what was told under its `id` stands, up to `until_ms`. `event_ms` is its
    newest time, `version_ms` when this version of it was made; each None where it has none.
    """

    id: str
    patient: str
    stays: tuple[StayReport, ...] | None
    until_ms: int | None
    event_ms: int | None
    version_ms: int | None


@dataclass(frozen=True, slots=True)
class PlaceReport:
    """How a sender calls a place (Location of FHIR); `place` None = it is in use no more."""

    id: str
    place: str | None


Report = AssociationReport | AdtEvent | VisitReport | PlaceReport


class Registrar(Protocol):
    """Who takes reports."""

    async def take(
        self, sender: Sender, reports: Sequence[Report], together: bool = False
    ) -> list[Refusal | None]:
        """File reports in their order, each judged by those before it; None = Kafka has what was told.

        A report is refused where it contradicts what stands ("device is associated with another patient");
        `together`: then none of them is stored.

        Raises:
            Busy: there is no room; the first of them may be stored.
            NotStored: it is not known whether Kafka has all of them.
        """
