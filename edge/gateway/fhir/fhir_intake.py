"""What is posted in FHIR: a resource, or a Bundle of them; read, handed to the registrar and the door, answered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec

from edge.gateway.accept import FOREIGN_DEVICE, Refusal, Sender
from edge.gateway.fhir import outcomes
from edge.gateway.fhir.fhir_readings import Seen, seen_in
from edge.gateway.fhir.given_resources import BASE, OBSERVATION, GivenResources, Item, Telling
from edge.gateway.fhir.outcomes import MODIFIED
from edge.gateway.fhir.resources import NOTHING, Bundle, Entry, Observation, Request
from edge.gateway.fhir.stated import STATED, About, number_given, stated_in
from edge.gateway.http.intakes import Asked, Intake
from edge.gateway.items import TooMany, Unreadable
from edge.gateway.metrics import ProtocolMetrics
from edge.gateway.pseudonym import Pseudonyms

OBSERVATION_PATH: Final = f"{BASE}/{OBSERVATION}"
METADATA_PATH: Final = f"{BASE}/metadata"
IF_NONE_EXIST: Final = "If-None-Exist"

ENTRIES_MAX: Final = 1_000
"""Of one bundle."""

COMMAS_MAX: Final = 100 * ENTRIES_MAX
"""Of one body: an Observation has under 100. More are not taken apart, which would cost many times their memory."""

IF_NONE_EXIST_CHARACTERS_MAX: Final = 2_000
TOO_LONG: Final = Refusal("invalid", f"ifNoneExist is longer than {IF_NONE_EXIST_CHARACTERS_MAX}")
REQUEST: Final = Refusal(
    "request",
    f"an entry's request is POST of a type, or PUT of a type and an id; taken are {OBSERVATION} (POST only), "
    f"{', '.join(STATED)}",
)

_FAULTS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_observation = msgspec.json.Decoder(Observation).decode
_bundle = msgspec.json.Decoder(Bundle).decode
_entry = msgspec.json.Decoder(Entry).decode


@dataclass(frozen=True, slots=True)
class FhirParts:
    """What FHIR is taken with: its metrics, who makes ids of patients, how often a sender reports, who is told."""

    metrics: ProtocolMetrics
    pseudonyms: Pseudonyms
    interval_ms_of: Callable[[str], int]
    telling: Telling


class _FhirIntake:
    """What all paths share."""

    media_types = frozenset({outcomes.FHIR_TYPE, "application/json"})
    problem = staticmethod(outcomes.problem)

    def __init__(self, parts: FhirParts) -> None:
        self.metrics = parts.metrics
        self._parts = parts

    def _seen(self, observation: Observation, if_none_exist: str) -> Seen | Refusal:
        if len(if_none_exist) > IF_NONE_EXIST_CHARACTERS_MAX:
            return TOO_LONG
        seen = seen_in(observation, if_none_exist, self._parts.pseudonyms)
        if isinstance(seen, Seen):
            for fault in seen.faults:
                self.metrics.refused(fault)
        return seen

    def _given(self, items: Sequence[Item], sender: Sender, kind: str = "") -> GivenResources:
        interval_ms = self._parts.interval_ms_of(sender.name)
        return GivenResources(items, sender, self._parts.telling, interval_ms, kind)


class ObservationIntake(_FhirIntake):
    """One Observation."""

    def read(self, body: bytes, asked: Asked) -> GivenResources:
        """Return the Observation of a body; raises as `Intake` says."""
        _see_that_it_is_small(body)
        try:
            observation = _observation(body)
        except msgspec.ValidationError as error:
            found: Seen | Refusal = _misread(body, error)
        except _FAULTS:
            raise Unreadable("the body is no JSON") from None
        else:
            found = self._seen(observation, asked.headers.get(IF_NONE_EXIST, ""))
        return self._given([found], asked.sender)


class StatedIntake(_FhirIntake):
    """One resource that says who is where, of one type: posted, or put under an id."""

    def __init__(self, parts: FhirParts, kind: str) -> None:
        super().__init__(parts)
        self._kind = kind

    def read(self, body: bytes, asked: Asked) -> GivenResources:
        """Return the resource of a body; raises as `Intake` says."""
        _see_that_it_is_small(body)
        once = asked.headers.get(IF_NONE_EXIST, "")
        about = About(asked.sender.name, self._kind, asked.name, once, {})
        try:
            found = _read_stated(body, about, self._parts.pseudonyms)
        except _FAULTS:
            raise Unreadable("the body is no JSON") from None
        item = found if isinstance(found, Refusal) else stated_in(*found, about, self._parts.pseudonyms)
        return self._given([item], asked.sender)


class _Numbered(NamedTuple):
    """An entry that says who is where, not yet understood: it may refer to another one of its bundle."""

    resource: Any
    number: str
    about: About


class BundleIntake(_FhirIntake):
    """A batch or a transaction."""

    def read(self, body: bytes, asked: Asked) -> GivenResources:
        """Return the resources of a bundle; raises as `Intake` says."""
        _see_that_it_is_small(body)
        try:
            bundle = _bundle(body)
        except _FAULTS:
            raise Unreadable("the body is no Bundle in JSON") from None
        if bundle.resourceType != "Bundle" or bundle.type not in ("batch", "transaction"):
            raise Unreadable("post a Bundle of type batch or transaction here, a resource to its own path")
        if bundle.implicitRules:
            raise Unreadable("implicitRules change what the bundle means, and are not known here")
        if not bundle.entry:
            raise Unreadable("the bundle has no entry")
        if len(bundle.entry) > ENTRIES_MAX:
            raise TooMany(f"{len(bundle.entry)} entries, at most {ENTRIES_MAX} in one bundle")
        posted: dict[str, str] = {}
        read = [self._entry(bytes(raw), asked.sender.name, posted) for raw in bundle.entry]
        items = [
            stated_in(*one, self._parts.pseudonyms) if isinstance(one, _Numbered) else one for one in read
        ]
        if bundle.type == "transaction":
            # The door refuses one by one; of a transaction nothing may be stored then.
            items = [_own(item, asked.sender) for item in items]
        return self._given(items, asked.sender, bundle.type)

    def _entry(self, text: bytes, sender: str, posted: dict[str, str]) -> Seen | _Numbered | Refusal:
        """Return an entry as read; `posted` gets its id by its fullUrl."""
        try:
            entry = _entry(text)
        except msgspec.ValidationError as error:
            # An Observation's fields are other types' by name, so that it may only look damaged.
            return self._other(text, sender, posted) or _misread(text, error)
        except _FAULTS:
            return Refusal("not-json", "the entry is no JSON")
        if entry.resource is not None and entry.resource.resourceType in STATED:
            return self._other(text, sender, posted) or REQUEST
        request = entry.request
        if entry.modifierExtension is not NOTHING:
            return MODIFIED
        if request is None or request.method != "POST" or request.url.strip("/") != OBSERVATION:
            return REQUEST
        if entry.resource is None:
            return Refusal("invalid", "the entry has no resource")
        return self._seen(entry.resource, request.ifNoneExist)

    def _other(self, text: bytes, sender: str, posted: dict[str, str]) -> _Numbered | Refusal | None:
        """Return an entry that says who is where, None if it says none."""
        kind = _kind_in(text)
        if kind not in STATED:
            return None
        try:
            entry = _raw_entry(text)
        except _FAULTS as error:
            return Refusal("invalid", str(error))
        if entry.modifierExtension is not NOTHING:
            return MODIFIED
        request = entry.request or Request()
        there, _, name = request.url.strip("/").partition("/")
        if there != kind or (request.method, bool(name)) not in (("POST", False), ("PUT", True)):
            return REQUEST
        about = About(sender, kind, name, request.ifNoneExist, posted)
        try:
            found = _read_stated(bytes(entry.resource), about, self._parts.pseudonyms)
        except _FAULTS:
            return Refusal("not-json", "the entry is no JSON")
        if isinstance(found, Refusal):
            return found
        if entry.fullUrl and kind == "Location":
            posted[entry.fullUrl] = found[1]
        return _Numbered(*found, about)


def fhir_intakes(parts: FhirParts) -> Mapping[str, Intake]:
    """Return what takes what is posted in FHIR, by path."""
    bundles = BundleIntake(parts)
    return {
        BASE: bundles,
        f"{BASE}/": bundles,
        OBSERVATION_PATH: ObservationIntake(parts),
        **fhir_updates(parts),
    }


def fhir_updates(parts: FhirParts) -> Mapping[str, Intake]:
    """Return what takes what is put in FHIR under an id, by the path above the id."""
    return {f"{BASE}/{kind}": StatedIntake(parts, kind) for kind in STATED}


def _read_stated(text: bytes, about: About, pseudonyms: Pseudonyms) -> tuple[Any, str] | Refusal:
    if len(about.if_none_exist) > IF_NONE_EXIST_CHARACTERS_MAX:
        return TOO_LONG
    try:
        return number_given(text, about, pseudonyms)
    except msgspec.ValidationError as error:
        kind = _kind_in(text)
        if kind not in ("", about.kind):
            return Refusal("resource-type", f"this is no {about.kind}")
        return Refusal("invalid", str(error))


def _see_that_it_is_small(body: bytes) -> None:
    if body.count(b",") > COMMAS_MAX:
        raise TooMany(f"more commas than {ENTRIES_MAX} Observations have, which is the most of one request")


def _own(item: Item, sender: Sender) -> Item:
    return FOREIGN_DEVICE if isinstance(item, Seen) and not sender.may_send_for(item.device) else item


class _Kind(msgspec.Struct):
    resourceType: str = ""


class _EntryKind(msgspec.Struct):
    resource: _Kind | None = None
    resourceType: str = ""


class _RawEntry(msgspec.Struct):
    fullUrl: str = ""
    resource: msgspec.Raw = NOTHING
    request: Request | None = None
    modifierExtension: msgspec.Raw = NOTHING


_raw_entry = msgspec.json.Decoder(_RawEntry).decode
_entry_kind = msgspec.json.Decoder(_EntryKind).decode


def _kind_in(text: bytes) -> str:
    """Return the type of a resource or of an entry's, empty if it names none."""
    try:
        found = _entry_kind(text)
    except _FAULTS:
        return ""
    return found.resourceType or (found.resource.resourceType if found.resource else "")


def _misread(text: bytes, error: msgspec.ValidationError) -> Refusal:
    """Return why a text is no Observation: another resource, or a field that is not as FHIR has it."""
    if _kind_in(text) not in ("", OBSERVATION):
        return Refusal("resource-type", f"taken are {OBSERVATION}, {', '.join(STATED)}")
    return Refusal("invalid", str(error))
