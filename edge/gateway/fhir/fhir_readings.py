"""Observations as frames: one for each patient, device and moment of a request, as HL7 messages make them."""

from collections.abc import Sequence
from operator import attrgetter, itemgetter
from typing import Final, NamedTuple

from clinical.vitals import COUNT, INDEX
from edge.gateway.accept import Reading, Refusal
from edge.gateway.fhir.fhir_codes import is_arterial
from edge.gateway.fhir.fhir_ids import device_of, identity_of, number_of, patient_of
from edge.gateway.fhir.fhir_times import time_of
from edge.gateway.fhir.outcomes import MODIFIED
from edge.gateway.fhir.quantities import Said, said_by, values_of
from edge.gateway.fhir.resources import NOTHING, Observation
from edge.gateway.numbering import BOOT, numbered_apart
from edge.gateway.pseudonym import Pseudonyms
from streams.decoding.wire_frames import WireBound, frame_with

TAKEN_STATUS: Final = frozenset({"final", "amended", "corrected", "preliminary"})
WITHDRAWN_STATUS: Final = frozenset({"entered-in-error", "cancelled"})
COMPONENTS_MAX: Final = 50

WITHDRAWN: Final = Refusal(
    "withdrawn",
    "a reading that was judged is not taken back, nor an alarm with it: send what was measured instead",
)
NOT_YET: Final = Refusal("not-a-result", "a registered Observation has no result yet")
STATUS: Final = Refusal("status", "the status is none of final, amended, corrected and preliminary")

_identity = attrgetter("identity")


class Seen(NamedTuple):
    """An Observation as it was read: whose it is, what it says, its name among all, what was left out of it."""

    patient: str
    device: str
    at_ms: int
    identity: str
    said: Sequence[Said]
    faults: Sequence[str]

    @property
    def number(self) -> str:
        """The id of the resource: the same for the same Observation at every gateway."""
        return number_of(f"{self.device}\x1f{self.at_ms}\x1f{self.identity}")


def seen_in(observation: Observation, if_none_exist: str, pseudonyms: Pseudonyms) -> Seen | Refusal:
    """Return what an Observation says, or why it is not taken."""
    if observation.resourceType != "Observation":
        return Refusal("resource-type", "only Observations are taken")
    if observation.implicitRules:
        return Refusal("modifier", "implicitRules change what this means, and are not known here")
    if observation.status not in TAKEN_STATUS:
        if observation.status in WITHDRAWN_STATUS:
            return WITHDRAWN
        return NOT_YET if observation.status == "registered" else STATUS
    device = device_of(observation)
    if isinstance(device, Refusal):
        return device
    at_ms = time_of(observation)
    if isinstance(at_ms, Refusal):
        return at_ms
    said = _said_in(observation)
    if isinstance(said, Refusal):
        return said
    patient, fault = patient_of(observation, pseudonyms)
    identity = identity_of(observation.identifier, if_none_exist)
    if not identity:
        # By their text: of two components of one signal one may be null, which has no order beside a number.
        identity = "content\x1f" + repr(sorted(((one.signal, one.value) for one in said), key=repr))
    faults = [one.fault for one in said if one.fault]
    return Seen(patient, device, at_ms, identity, said, [*faults, fault] if fault else faults)


def _said_in(observation: Observation) -> list[Said] | Refusal:
    """Return what an Observation and its components say; a component of another code says nothing to us."""
    if len(observation.component) > COMPONENTS_MAX:
        return Refusal("too-large", f"more than {COMPONENTS_MAX} components")
    found: list[Said] = []
    arterial = is_arterial(observation.code)
    parts = [said_by(one, arterial) for one in observation.component]
    # A value that could not be had is said of the Observation itself, whatever its components hold beside it.
    if not parts or values_of(observation) or observation.dataAbsentReason is not None:
        parts.insert(0, said_by(observation))
    elif observation.modifierExtension is not NOTHING:
        return MODIFIED
    for part in parts:
        if isinstance(part, Said):
            found.append(part)
        elif part.reason != "unknown-code":
            return part
    return found or next(one for one in parts if isinstance(one, Refusal))


def frames_of(seen: Sequence[Seen], interval_ms: int) -> tuple[list[Reading], list[int]]:
    """Return a reading for each patient, device and moment, and for each Observation the place of its reading.

    They are in the order of their times, as HL7's: in another one a device's numbers would begin again and again. Of
    several values of a signal the best known valid one counts, likewise; of a flag a yes, for several events are one.
    """
    moments = [(one.patient, one.device, one.at_ms) for one in seen]
    groups: dict[tuple[str, str, int], list[Seen]] = {}
    for moment, one in zip(moments, seen, strict=True):
        groups.setdefault(moment, []).append(one)
    ordered = sorted(groups, key=itemgetter(2))
    places = {moment: place for place, moment in enumerate(ordered)}
    return [_reading(groups[moment], interval_ms) for moment in ordered], [places[one] for one in moments]


def _reading(group: list[Seen], interval_ms: int) -> Reading:
    # Sorted: who sends the same Observations in another order sends the same frame.
    group.sort(key=_identity)
    best: dict[str, Said] = {}
    for seen in group:
        for said in seen.said:
            held = best.get(said.signal)
            if held is None or _weight(said) > _weight(held):
                best[said.signal] = said
    first = group[0]
    identity = "\x1e".join(one.identity for one in group)
    values = {signal: said.value for signal, said in best.items()}
    # Many senders post each signal of a moment by itself: two of them must not look like one number with two contents.
    seq = numbered_apart(first.at_ms, identity, min(INDEX[signal] for signal in best), COUNT)
    return Reading(frame_with(first.patient, first.device, BOOT, seq, first.at_ms, interval_ms, values))


def _weight(said: Said) -> tuple[bool, bool, bool, int]:
    """A value before a bound, a bound before nothing."""
    is_value = said.value is not None and not isinstance(said.value, WireBound)
    return said.value is not None, is_value, said.value is True, -said.rank
