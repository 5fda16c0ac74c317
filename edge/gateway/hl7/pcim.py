"""IHE PCIM, transaction DEV-51: an association of a device and a patient, as the registrar takes it.

Source: IHE Devices, Point-of-Care Identity Management, appendix A.1: ORU^R01 with OBR-4 69136; OBX-5 says associated or
not, OBX-11 whether a person confirmed it; PRT segments name the device (EQUIP), who said so (AUT), who confirmed it
(RO).
"""

from typing import Final

from edge.gateway.accept import Refusal
from edge.gateway.hl7.identifiers import Patients
from edge.gateway.hl7.observations import participating_device, time_of
from edge.gateway.hl7.profile import Profile
from edge.gateway.hl7.split import Header, field, part, plain
from edge.gateway.opaque_ids import is_damaged, opaque
from edge.gateway.reports import AssociationReport

ORDERS: Final = frozenset({"69136", "MDC_OBS_ASSOCIATION_PATIENT_DEVICE"})
BEGINS: Final = frozenset({"198332", "MDC_EVT_ASSOCIATION_PATIENT_DEVICE"})
ENDS: Final = frozenset({"198334", "MDC_EVT_DISASSOCIATION_PATIENT_DEVICE"})
CONFIRMED: Final = frozenset({"C", "F"})
WRONG: Final = "W"


def may_be_association(block: bytes) -> bool:
    """Whether a message holds the words of one anywhere: observations, which are nearly all, do not."""
    return b"69136" in block or b"MDC_OBS_ASSOCIATION" in block


def is_association(segments: list[str], marks: str) -> bool:
    """Whether an ORU^R01 reports an association and no observations."""
    return any(
        segment[:3] == "OBR" and not ORDERS.isdisjoint(field(segment.split(marks[0]), 4).split(marks[1])[:2])
        for segment in segments
    )


class _Report:
    """The fields of the one association that a message tells."""

    def __init__(self, header: Header, segments: list[str], profile: Profile) -> None:
        self.marks, self.zone = header.marks, profile.zone
        self.patient_field, self.obr, self.obx = "", list[str](), list[str]()
        self.equipment, self.author, self.observer = list[str](), list[str](), list[str]()
        for segment in segments:
            fields = segment.split(self.marks[0])
            if fields[0] == "PID":
                self.patient_field = field(fields, 3)
            elif fields[0] == "OBR":
                self.obr = fields
            elif fields[0] == "OBX":
                self.obx = self.obx or fields
            elif fields[0] == "PRT":
                self._participant(fields)

    def _participant(self, fields: list[str]) -> None:
        role = part(field(fields, 4), self.marks[1], 1).upper()
        if role == "EQUIP":
            self.equipment = fields
        elif role == "AUT":
            self.author = fields
        elif role == "RO":
            self.observer = fields

    @property
    def parent(self) -> str:
        """The report that began the association (OBR-29.2), empty in that one itself."""
        return part(field(self.obr, 29), self.marks[1], 2)

    def id(self) -> str:
        """Return the association's id: that of the report which began it, else this one's (OBR-3)."""
        marks = self.marks
        parts = self.parent.split(marks[4]) if self.parent else field(self.obr, 3).split(marks[1])
        named = "/".join(one for one in (plain(one, marks) for one in parts) if one)
        return opaque(named) if named else ""

    def reporter(self) -> str:
        """Return who said so: a person, else a device or system."""
        for fields in (self.observer, self.author):
            person = plain(part(field(fields, 5), self.marks[1], 1), self.marks)
            if person:
                return opaque(person)
        device = part(field(self.author, 10), self.marks[1], 1)
        return opaque(plain(device, self.marks)) if device else ""

    def time_ms(self, participation: int, order: int) -> int | None:
        """Return a time of the device's part in it (a field of PRT), else of the order's (0 = of none)."""
        own, of_order = field(self.equipment, participation), field(self.obr, order) if order else ""
        return time_of(own, of_order, "", self.marks, self.zone)


def read_association(
    header: Header, segments: list[str], profile: Profile, patients: Patients, sender: str
) -> AssociationReport | Refusal:
    """Return the association that a DEV-51 message reports.

    One that was reported wrongly (OBX-11 W) ends where it began: it holds no time.
    """
    told = _Report(header, segments, profile)
    marks = header.marks
    patient = patients.of(told.patient_field, marks, profile.authority)
    device = participating_device(told.equipment, marks)
    if patient is None:
        return Refusal("damaged-patient", "the identifier in PID-3 has lost characters on its way")
    if is_damaged(device):
        return Refusal("damaged-device", "the device in PRT-10 has lost characters on its way")
    if not patient or not device or not told.id():
        return Refusal(
            "no-patient" if not patient else "no-device", "DEV-51 needs PID-3, PRT-10 (EQUIP) and OBR-3"
        )
    said = {plain(one, marks) for one in field(told.obx, 5).split(marks[1])[:2]}
    if said.isdisjoint(BEGINS | ENDS):
        return Refusal("no-observation", "OBX-5 says neither associated nor disassociated")
    ends = not said.isdisjoint(ENDS)
    # An end, or a word on what was told before, may leave out when it began; a beginning may not.
    from_ms = told.time_ms(11, 0 if ends or told.parent else 7)
    until_ms = told.time_ms(12, 8 if ends else 0)
    if (from_ms is None and not (ends or told.parent)) or (ends and until_ms is None):
        return Refusal("no-time", "neither PRT-11 or PRT-12 of the device nor OBR-7 or OBR-8 is a time")
    status = field(told.obx, 11).strip()
    if status == WRONG:
        from_ms = until_ms = from_ms if from_ms is not None else told.time_ms(11, 7)
        if from_ms is None:
            return Refusal("no-time", "neither PRT-11 of the device nor OBR-7 is a time")
    reporter = told.reporter() or opaque(sender)
    return AssociationReport(told.id(), device, patient, from_ms, until_ms, reporter, status in CONFIRMED)
