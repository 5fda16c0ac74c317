"""The fields of FHIR resources that are used, R4's and R5's alike: all others are read over.

What changes the meaning of the rest (`modifierExtension`, `implicitRules`) is looked for: nobody may read over it.
"""

from typing import Final

import msgspec

NOTHING: Final = msgspec.Raw()
"""Stands where a field that is only looked for is not there."""


class Coding(msgspec.Struct, gc=False):
    """A code of a system."""

    system: str = ""
    code: str = ""


class Concept(msgspec.Struct, gc=False):
    """A CodeableConcept: the same said by several codes."""

    coding: list[Coding] = []
    text: str = ""


class Quantity(msgspec.Struct, gc=False):
    """A number with a unit; with a comparator a bound."""

    value: float | None = None
    comparator: str = ""
    unit: str = ""
    system: str = ""
    code: str = ""


class Identifier(msgspec.Struct, gc=False):
    """A name that somebody gave out."""

    system: str = ""
    value: str = ""


class Reference(msgspec.Struct, gc=False):
    """Points to another resource."""

    reference: str = ""
    type: str = ""
    identifier: Identifier | None = None


class Period(msgspec.Struct, gc=False):
    """From one time to another."""

    start: str = ""
    end: str = ""


class Component(msgspec.Struct, gc=False, kw_only=True):
    """What says something of a code: a value of one kind, or why there is none."""

    code: Concept | None = None
    valueQuantity: Quantity | None = None
    valueBoolean: bool | None = None
    valueCodeableConcept: Concept | None = None
    valueInteger: msgspec.Raw = NOTHING
    valueString: msgspec.Raw = NOTHING
    valueSampledData: msgspec.Raw = NOTHING
    valueRange: msgspec.Raw = NOTHING
    valueRatio: msgspec.Raw = NOTHING
    dataAbsentReason: Concept | None = None
    modifierExtension: msgspec.Raw = NOTHING


class Observation(Component, gc=False, kw_only=True):
    """What was measured of whom, by which device, and when."""

    resourceType: str = ""
    implicitRules: str = ""
    identifier: list[Identifier] = []
    status: str = ""
    subject: Reference | None = None
    device: Reference | None = None
    effectiveDateTime: str = ""
    effectiveInstant: str = ""
    effectivePeriod: Period | None = None
    effectiveTiming: msgspec.Raw = NOTHING
    component: list[Component] = []


class Meta(msgspec.Struct, gc=False):
    """When this version of a resource was made."""

    lastUpdated: str = ""


class DeviceAssociation(msgspec.Struct, gc=False, kw_only=True):
    """Which device is on whom, and when (R5)."""

    resourceType: str = ""
    id: str = ""
    implicitRules: str = ""
    modifierExtension: msgspec.Raw = NOTHING
    identifier: list[Identifier] = []
    device: Reference | None = None
    status: Concept | None = None
    subject: Reference | None = None
    period: Period | None = None


class EncounterLocation(msgspec.Struct, gc=False, kw_only=True):
    """Where a patient is or was during an Encounter; R4 has `physicalType`, R5 `form`."""

    modifierExtension: msgspec.Raw = NOTHING
    location: Reference | None = None
    status: str = ""
    physicalType: Concept | None = None
    form: Concept | None = None
    period: Period | None = None


class Encounter(msgspec.Struct, gc=False, kw_only=True):
    """A patient's visit; R4 has `period`, R5 `actualPeriod`."""

    resourceType: str = ""
    id: str = ""
    implicitRules: str = ""
    modifierExtension: msgspec.Raw = NOTHING
    meta: Meta | None = None
    identifier: list[Identifier] = []
    status: str = ""
    subject: Reference | None = None
    period: Period | None = None
    actualPeriod: Period | None = None
    location: list[EncounterLocation] = []


class Location(msgspec.Struct, gc=False, kw_only=True):
    """A place."""

    resourceType: str = ""
    id: str = ""
    implicitRules: str = ""
    modifierExtension: msgspec.Raw = NOTHING
    identifier: list[Identifier] = []
    status: str = ""
    name: str = ""
    mode: str = ""


class Request(msgspec.Struct, gc=False):
    """What a bundle asks to be done with an entry."""

    method: str = ""
    url: str = ""
    ifNoneExist: str = ""


class Entry(msgspec.Struct, gc=False):
    """An entry of a bundle."""

    fullUrl: str = ""
    resource: Observation | None = None
    request: Request | None = None
    modifierExtension: msgspec.Raw = NOTHING


class Bundle(msgspec.Struct):
    """Entries as they come: one that cannot be read is none of its neighbours' faults."""

    resourceType: str = ""
    type: str = ""
    implicitRules: str = ""
    entry: list[msgspec.Raw] = []
