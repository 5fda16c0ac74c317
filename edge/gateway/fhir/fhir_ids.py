"""Who and what an Observation is about: its device and subject as ids of Vigil's, and how it is told from others."""

import re
from typing import Final

from edge.fhir.elements import STREAM
from edge.gateway.accept import Refusal
from edge.gateway.fhir.resources import Identifier, Observation, Reference
from edge.gateway.opaque_ids import eui_64, is_damaged, opaque
from edge.gateway.pseudonym import Pseudonyms
from streams.contracts.frame import ID_PATTERN

IDENTIFIER_CHARACTERS_MAX: Final = 255
"""Of a value or a system: longer ones name nothing, and would be hashed at our cost."""

_id_form = re.compile(ID_PATTERN).fullmatch
_NO_DEVICE: Final = Refusal(
    "no-device",
    "name the device itself: device.identifier, or a reference Device/ID (no DeviceMetric, contained or urn:uuid)",
)


def device_of(observation: Observation) -> str | Refusal:
    """Return the device of an Observation: of `device`, else of a subject that is a device.

    An EUI-64 counts as HL7's does; a value with a system is not that of another system.
    """
    for reference in (observation.device, observation.subject):
        if reference is None:
            continue
        if reference is observation.subject and not _is_of(reference, "Device", surely=True):
            continue
        found = _named(reference, "Device")
        if found is None:
            return _NO_DEVICE
        system, value = found
        if not _is_whole(system, value):
            return Refusal("damaged-device", "the device's identifier has lost characters, or is too long")
        return eui_64(value) or opaque(f"{value}@{system}" if system else value)
    return _NO_DEVICE


def patient_of(observation: Observation, pseudonyms: Pseudonyms) -> tuple[str, str]:
    """Return the patient that an Observation names, empty if nobody, and what was left out of it, or empty.

    A damaged name is none: two people's may look the same.
    """
    subject = observation.subject
    if subject is None or (found := _named(subject, "Patient")) is None:
        return "", ""
    system, value = found
    if not _is_whole(system, value):
        return "", "damaged-patient"
    if system == STREAM:
        return (value, "") if _id_form(value) else ("", "damaged-patient")
    return pseudonyms.of(system, value), ""


def identity_of(observation: Observation, if_none_exist: str) -> str:
    """Return what tells an Observation from others of its device and moment: its identifier, else If-None-Exist.

    Empty where it has neither: then what it says does.
    """
    for identifier in observation.identifier:
        if identifier.value:
            return f"identifier\x1f{identifier.system}\x1f{identifier.value}"
    return f"if-none-exist\x1f{if_none_exist}" if if_none_exist else ""


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


def _is_whole(system: str, value: str) -> bool:
    """Whether neither part of a name has lost a character or is too long, as of HL7's with their authorities."""
    return max(len(system), len(value)) <= IDENTIFIER_CHARACTERS_MAX and not is_damaged(system + value)


def _is_of(reference: Reference, kind: str, surely: bool = False) -> bool:
    """Whether a reference may be to a resource of this kind; `surely`: says so itself."""
    if reference.type:
        return reference.type == kind
    words = reference.reference.partition("/_history/")[0].split("/")
    return words[-2] == kind if len(words) > 1 else not surely
