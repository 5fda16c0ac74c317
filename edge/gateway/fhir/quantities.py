"""What an Observation or a component says: a signal's value in Vigil's unit, null, or why it is refused."""

from math import isfinite
from typing import Final, NamedTuple, cast, get_args

from clinical.vitals import ACVPU, FLAGS, INDEX, SIGNALS
from edge.gateway.accept import Refusal
from edge.gateway.fhir.fhir_codes import answer_of, signal_of, unit_named
from edge.gateway.fhir.outcomes import MODIFIED
from edge.gateway.fhir.resources import NOTHING, Component, Quantity
from edge.readers.notation import SENTINELS
from streams.contracts.frame import Comparator
from streams.decoding.wire_frames import WireBound

BOUNDS: Final = frozenset(get_args(Comparator))
"""Comparators that say a bound, which is no value. `ad` (a quantity that is enough for something else) is none of a
vital sign."""


class Said(NamedTuple):
    """A signal, its value or bound (None = attached, without either), its place in the table, what was left out."""

    signal: str
    value: float | bool | str | WireBound | None
    rank: int
    fault: str = ""


def said_by(component: Component, arterial: bool = False) -> Said | Refusal:
    """Return what a component says, or why it says nothing that can be taken; `arterial`: its panel is of a line."""
    if component.modifierExtension is not NOTHING:
        return MODIFIED
    found = signal_of(component.code, arterial) if component.code is not None else None
    if found is None:
        return Refusal("unknown-code", "there is no code")
    if isinstance(found, Refusal):
        return found
    signal, rank = found
    given = values_of(component)
    if component.dataAbsentReason is not None:
        if given:
            return Refusal("contradiction", "dataAbsentReason stands beside a value: one of them is wrong")
        return Said(signal, None, rank)
    if len(given) != 1:
        return Refusal(
            "contradiction" if given else "no-value", "give one value, or dataAbsentReason if there is none"
        )
    quantity = component.valueQuantity
    if signal not in FLAGS and signal != "consciousness":
        if quantity is None:
            return Refusal("value-type", f"{signal} is a valueQuantity")
        return _measured(signal, quantity, rank)
    return _charted(signal, component, rank)


def values_of(component: Component) -> list[object]:
    """Return the values that are there."""
    values = (
        component.valueQuantity,
        component.valueBoolean,
        component.valueCodeableConcept,
        component.valueInteger,
        component.valueString,
        component.valueSampledData,
        component.valueRange,
        component.valueRatio,
    )
    return [one for one in values if one is not None and one is not NOTHING]


def _measured(signal: str, quantity: Quantity, rank: int) -> Said | Refusal:
    if quantity.comparator and quantity.comparator not in BOUNDS:
        return Refusal("comparator", "the comparator is none of <, <=, >= and >")
    if quantity.value is None or not isfinite(quantity.value):
        return Refusal("no-value", "valueQuantity has no value; send dataAbsentReason if there is none")
    unit = unit_named(signal, quantity)
    if isinstance(unit, Refusal):
        return unit
    value = unit.convert(quantity.value)
    bounds = SIGNALS[INDEX[signal]]
    if bounds.low <= value <= bounds.high:
        if quantity.comparator:
            return Said(signal, WireBound(cast(Comparator, quantity.comparator), value), rank, "bound")
        return Said(signal, value, rank)
    # What no sensor reports is no reading: a code for "none", else told.
    return Said(signal, None, rank, "" if quantity.value in SENTINELS else "implausible")


def _charted(signal: str, component: Component, rank: int) -> Said | Refusal:
    """Return a flag, or the level of consciousness."""
    concept = component.valueCodeableConcept
    if signal == "consciousness":
        if concept is None or concept.text not in set(ACVPU):
            return Refusal("value-type", "consciousness is a valueCodeableConcept with text A, C, V, P or U")
        return Said(signal, concept.text, rank)
    answer = component.valueBoolean if concept is None else answer_of(concept.coding)
    if answer is None:
        return Refusal("value-type", f"{signal} is a valueBoolean, or a valueCodeableConcept of yes or no")
    return Said(signal, answer, rank)
