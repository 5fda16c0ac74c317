"""Who and what a resource is about: its device and subject as ids of Vigil's, and how it is told from others."""

import hashlib
import re
from collections.abc import Sequence
from typing import Final

from edge.fhir.elements import STREAM
from edge.gateway.accept import Refusal
from edge.gateway.fhir.resources import Identifier, Observation, Reference
from edge.gateway.opaque_ids import eui_64, is_damaged, opaque
from edge.gateway.pseudonym import Pseudonyms
from streams.contracts.frame import ID_PATTERN

IDENTIFIER_CHARACTERS_MAX: Final = 255
"""Of a value or a system: longer ones name nothing, and would be hashed at our cost."""

ID_DIGITS: Final = 32
_id_form = re.compile(ID_PATTERN).fullmatch
NO_PATIENT: Final = Refusal(
    "no-patient", "name the patient: subject.identifier, or a reference Patient/ID (no contained or urn:uuid)"
)
DAMAGED_PATIENT: Final = Refusal(
    "damaged-patient", "the patient's identifier has lost characters, or is too long"
)
_NO_DEVICE: Final = Refusal(
    "no-device",
    "name the device itself: device.identifier, or a reference Device/ID (no DeviceMetric, contained or urn:uuid)",
)


def device_of(observation: Observation) -> str | Refusal:
    """Return the device of an Observation: of `device`, else of a subject that is a device."""
    subject = observation.subject
    if observation.device is not None:
        return device_in(observation.device)
    return device_in(subject if subject is not None and _is_of(subject, "Device", surely=True) else None)


def device_in(reference: Reference | None) -> str | Refusal:
    """Return the device that is referred to.

    An EUI-64 counts as HL7's does; a value with a system is not that of another system.
    """
    found = None if reference is None else _named(reference, "Device")
    if found is None:
        return _NO_DEVICE
    system, value = found
    if not is_whole(system, value):
        return Refusal("damaged-device", "the device's identifier has lost characters, or is too long")
    return eui_64(value) or opaque(f"{value}@{system}" if system else value)


def patient_of(observation: Observation, pseudonyms: Pseudonyms) -> tuple[str, str]:
    """Return the patient that an Observation names, empty if nobody, and what was left out of it, or empty.

    A damaged name is none: two people's may look the same.
    """
    found = patient_in(observation.subject, pseudonyms)
    if isinstance(found, Refusal):
        return "", found.reason if found is DAMAGED_PATIENT else ""
    return found, ""


def patient_in(reference: Reference | None, pseudonyms: Pseudonyms) -> str | Refusal:
    """Return the patient who is referred to, or why that is nobody."""
    found = None if reference is None else _named(reference, "Patient")
    if found is None:
        return NO_PATIENT
    system, value = found
    if not is_whole(system, value):
        return DAMAGED_PATIENT
    if system == STREAM:
        return value if _id_form(value) else DAMAGED_PATIENT
    return pseudonyms.of(system, value)


def identity_of(identifiers: Sequence[Identifier], if_none_exist: str) -> str:
    """Return what tells a resource from others of its kind: its first identifier, else If-None-Exist.

    Empty where it has neither: then what it says does.
    """
    for identifier in identifiers:
        if identifier.value:
            return f"identifier\x1f{identifier.system}\x1f{identifier.value}"
    return f"if-none-exist\x1f{if_none_exist}" if if_none_exist else ""


def number_of(identity: str) -> str:
    """Return the id of a posted resource of this identity: the same at every gateway."""
    return hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:ID_DIGITS]


def _named(reference: Reference, kind: str) -> tuple[str, str] | None:
    """Return system and value of what a reference names, None if it names nothing of that kind that lasts."""
    if not _is_of(reference, kind):
        return None
    identifier: Identifier | None = reference.identifier
    if identifier is not None and identifier.value.strip():
        return identifier.system, identifier.value.strip()
    base, slash, number = reference.reference.partition("/_history/")[0].rpartition("/")
    if not slash or not number or base.rpartition("/")[2] != kind:
        return None
    # One server's Device/7 is not another's: an absolute reference keeps the server.
    return base[: -len(kind)].rstrip("/"), number


def is_whole(system: str, value: str) -> bool:
    """Whether neither part of a name has lost a character or is too long, as of HL7's with their authorities."""
    return max(len(system), len(value)) <= IDENTIFIER_CHARACTERS_MAX and not is_damaged(system + value)


def _is_of(reference: Reference, kind: str, surely: bool = False) -> bool:
    """Whether a reference may be to a resource of this kind; `surely`: says so itself."""
    if reference.type:
        return reference.type == kind
    words = reference.reference.partition("/_history/")[0].split("/")
    return words[-2] == kind if len(words) > 1 else not surely
