"""DeviceAssociations of R5: a device is on a patient from when to when, as DEV-51 says it in HL7 version 2.

Source: HL7 FHIR R5, value set deviceassociation-status. Nothing in it says that a person has confirmed it.
"""

from typing import Final

from edge.gateway.accept import Refusal
from edge.gateway.fhir.encounters import span_of
from edge.gateway.fhir.fhir_ids import device_in, patient_in
from edge.gateway.fhir.resources import Concept, DeviceAssociation
from edge.gateway.opaque_ids import opaque
from edge.gateway.pseudonym import Pseudonyms
from edge.gateway.reports import AssociationReport

STATUS_SYSTEMS: Final = frozenset({"", "http://hl7.org/fhir/deviceassociation-status"})
ON: Final = frozenset({"attached", "implanted"})
OFF: Final = "explanted"
WRONG: Final = "entered-in-error"
STATUS: Final = Refusal(
    "status", f"the status is one of {', '.join(sorted(ON))}, {OFF} and {WRONG}, as a code of its own system"
)


def association_report(
    association: DeviceAssociation, number: str, sender: str, pseudonyms: Pseudonyms
) -> AssociationReport | Refusal:
    """Return what a DeviceAssociation says, or why it is not taken.

    One that was entered in error ends where it began: it holds no time. An end may leave its beginning out.
    """
    status = _status(association.status)
    if status not in ON | {OFF, WRONG}:
        return STATUS
    device = device_in(association.device)
    if isinstance(device, Refusal):
        return device
    patient = patient_in(association.subject, pseudonyms)
    if isinstance(patient, Refusal):
        return patient
    span = span_of(association.period)
    if isinstance(span, Refusal):
        return span
    from_ms, until_ms = span
    if status == WRONG:
        if from_ms is None:
            return Refusal("no-time", "period.start says which association was entered in error")
        until_ms = from_ms
    elif status == OFF and until_ms is None:
        return Refusal("no-time", "it is over: period.end says since when")
    elif from_ms is None and until_ms is None:
        return Refusal("no-time", "period.start says since when")
    # Of its sender: another one's DeviceAssociation/1 is another.
    own_id = opaque(f"{sender}/{number}")
    return AssociationReport(
        own_id, device, patient, from_ms, until_ms, sender, validated=False, source="fhir"
    )


def association_identity(association: DeviceAssociation, pseudonyms: Pseudonyms) -> str:
    """Return what tells a DeviceAssociation without an identifier from others: device, patient and beginning."""
    start = "" if association.period is None else association.period.start
    named = device_in(association.device), patient_in(association.subject, pseudonyms)
    return "\x1f".join(["content", *(one if isinstance(one, str) else "" for one in named), start])


def _status(status: Concept | None) -> str:
    codes = set() if status is None else {one.code for one in status.coding if one.system in STATUS_SYSTEMS}
    return codes.pop() if len(codes) == 1 else ""
