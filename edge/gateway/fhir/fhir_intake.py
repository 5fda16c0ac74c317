"""What is posted in FHIR: an Observation, or a Bundle of them; read, handed to the door, answered."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec
from aiohttp import web

from edge.gateway.accept import FOREIGN_DEVICE, Reading, Refusal, Sender
from edge.gateway.fhir import outcomes
from edge.gateway.fhir.fhir_readings import Seen, frames_of, seen_in
from edge.gateway.fhir.resources import NOTHING, Bundle, Entry, Observation
from edge.gateway.http.intakes import Asked, Intake
from edge.gateway.items import TooMany, Unreadable
from edge.gateway.metrics import ProtocolMetrics
from edge.gateway.pseudonym import Pseudonyms

BASE: Final = "/fhir"
OBSERVATION_PATH: Final = f"{BASE}/Observation"
METADATA_PATH: Final = f"{BASE}/metadata"
IF_NONE_EXIST: Final = "If-None-Exist"

ENTRIES_MAX: Final = 1_000
"""Of one bundle."""

COMMAS_MAX: Final = 100 * ENTRIES_MAX
"""Of one body: an Observation has under 100. More are not taken apart, which would cost many times their memory."""

IF_NONE_EXIST_CHARACTERS_MAX: Final = 2_000

_FAULTS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_observation = msgspec.json.Decoder(Observation).decode
_bundle = msgspec.json.Decoder(Bundle).decode
_entry = msgspec.json.Decoder(Entry).decode

NOT_STORED_WITH_IT: Final = Refusal(
    "transaction", "another entry was refused, so nothing of this transaction is stored"
)

PART_STORED: Final = Refusal(
    "part-stored", "Kafka has the other entries of this transaction, which nobody can take back"
)
"""Records are refused by Kafka one by one, when others are there already."""


class GivenObservations:
    """The Observations of one request: each as seen, or why it is not taken.

    Args:
        items: in their order.
        interval_ms: how often the sender reports.
        kind: `batch` or `transaction`, empty where there is no bundle.
    """

    def __init__(self, items: Sequence[Seen | Refusal], interval_ms: int, kind: str = "") -> None:
        self._kind = kind
        self._refusals = [item if isinstance(item, Refusal) else None for item in items]
        self._numbers = ["" if isinstance(item, Refusal) else item.number for item in items]
        if kind == "transaction" and any(self._refusals):
            self._refusals = [one or NOT_STORED_WITH_IT for one in self._refusals]
            items = ()
        self._readings, self._where = frames_of(
            [item for item in items if isinstance(item, Seen)], interval_ms
        )

    def hand_over(self) -> list[Reading]:
        """Return the frames, and keep them no longer."""
        readings, self._readings = self._readings, []
        return readings

    def results(self, stored: Sequence[Refusal | None]) -> list[Refusal | None]:
        """Return what became of each Observation."""
        where = iter(self._where)
        return [stored[next(where)] if one is None else one for one in self._refusals]

    def answer(self, results: Sequence[Refusal | None]) -> web.Response:
        """Return 201 or why not; of a batch what became of each entry; of a transaction, all or why not."""
        if not self._kind:
            return self._answer_one(results[0])
        if self._kind == "transaction" and any(results):
            issues = [
                outcomes.issue_of(one.reason, one.detail, f"Bundle.entry[{place}]")
                for place, one in enumerate(results)
                if one is not None and one is not NOT_STORED_WITH_IT
            ]
            if all(results):
                return outcomes.said(400, outcomes.outcome_of(issues))
            issues.append(outcomes.issue_of(PART_STORED.reason, PART_STORED.detail, "Bundle"))
            return outcomes.said(500, outcomes.outcome_of(issues))
        entries = list(map(outcomes.entry_of, results, self._numbers))
        return outcomes.said(
            200, {"resourceType": "Bundle", "type": f"{self._kind}-response", "entry": entries}
        )

    def _answer_one(self, result: Refusal | None) -> web.Response:
        if result is not None:
            issue = outcomes.issue_of(result.reason, result.detail)
            return outcomes.said(outcomes.status_of(result), outcomes.outcome_of([issue]))
        location = f"{BASE}/{outcomes.location_of(self._numbers[0])}"
        return web.Response(status=201, headers={"Location": location, "ETag": outcomes.ETAG})


class _FhirIntake:
    """What both paths share.

    Args:
        metrics: of FHIR.
        pseudonyms: make the ids of patients.
        interval_ms_of: says how often a sender reports, by its name.
    """

    media_types = frozenset({outcomes.FHIR_TYPE, "application/json"})
    problem = staticmethod(outcomes.problem)

    def __init__(
        self, metrics: ProtocolMetrics, pseudonyms: Pseudonyms, interval_ms_of: Callable[[str], int]
    ) -> None:
        self.metrics = metrics
        self._pseudonyms, self._interval_ms_of = pseudonyms, interval_ms_of

    def _seen(self, observation: Observation, if_none_exist: str) -> Seen | Refusal:
        if len(if_none_exist) > IF_NONE_EXIST_CHARACTERS_MAX:
            return Refusal("invalid", f"ifNoneExist is longer than {IF_NONE_EXIST_CHARACTERS_MAX}")
        seen = seen_in(observation, if_none_exist, self._pseudonyms)
        if isinstance(seen, Seen):
            for fault in seen.faults:
                self.metrics.refused(fault)
        return seen


class ObservationIntake(_FhirIntake):
    """One Observation."""

    def read(self, body: bytes, asked: Asked) -> GivenObservations:
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
        return GivenObservations([found], self._interval_ms_of(asked.sender.name))


class BundleIntake(_FhirIntake):
    """A batch or a transaction of Observations."""

    def read(self, body: bytes, asked: Asked) -> GivenObservations:
        """Return the Observations of a bundle; raises as `Intake` says."""
        _see_that_it_is_small(body)
        try:
            bundle = _bundle(body)
        except _FAULTS:
            raise Unreadable("the body is no Bundle in JSON") from None
        if bundle.resourceType != "Bundle" or bundle.type not in ("batch", "transaction"):
            raise Unreadable(
                "post a Bundle of type batch or transaction here, an Observation to its own path"
            )
        if bundle.implicitRules:
            raise Unreadable("implicitRules change what the bundle means, and are not known here")
        if not bundle.entry:
            raise Unreadable("the bundle has no entry")
        if len(bundle.entry) > ENTRIES_MAX:
            raise TooMany(f"{len(bundle.entry)} entries, at most {ENTRIES_MAX} in one bundle")
        items = [self._entry(bytes(raw)) for raw in bundle.entry]
        if bundle.type == "transaction":
            # The door refuses one by one; of a transaction nothing may be stored then.
            items = [_own(item, asked.sender) for item in items]
        return GivenObservations(items, self._interval_ms_of(asked.sender.name), bundle.type)

    def _entry(self, text: bytes) -> Seen | Refusal:
        try:
            entry = _entry(text)
        except msgspec.ValidationError as error:
            return _misread(text, error)
        except _FAULTS:
            return Refusal("not-json", "the entry is no JSON")
        request = entry.request
        if entry.modifierExtension is not NOTHING:
            return Refusal("modifier", "a modifierExtension changes what this means, and is not known here")
        if request is None or request.method != "POST" or request.url.strip("/") != "Observation":
            return Refusal("request", 'an entry\'s request is {"method": "POST", "url": "Observation"}')
        if entry.resource is None:
            return Refusal("invalid", "the entry has no resource")
        return self._seen(entry.resource, request.ifNoneExist)


def fhir_intakes(
    metrics: ProtocolMetrics, pseudonyms: Pseudonyms, interval_ms_of: Callable[[str], int]
) -> Mapping[str, Intake]:
    """Return what takes FHIR, by path."""
    bundles = BundleIntake(metrics, pseudonyms, interval_ms_of)
    return {
        BASE: bundles,
        f"{BASE}/": bundles,
        OBSERVATION_PATH: ObservationIntake(metrics, pseudonyms, interval_ms_of),
    }


def _see_that_it_is_small(body: bytes) -> None:
    if body.count(b",") > COMMAS_MAX:
        raise TooMany(f"more commas than {ENTRIES_MAX} Observations have, which is the most of one request")


def _own(item: Seen | Refusal, sender: Sender) -> Seen | Refusal:
    return FOREIGN_DEVICE if isinstance(item, Seen) and not sender.may_send_for(item.device) else item


class _Kind(msgspec.Struct):
    resourceType: str = ""


class _EntryKind(msgspec.Struct):
    resource: _Kind | None = None
    resourceType: str = ""


def _misread(text: bytes, error: msgspec.ValidationError) -> Refusal:
    """Return why a text is no Observation: another resource, or a field that is not as FHIR has it."""
    try:
        found = msgspec.json.decode(text, type=_EntryKind)
        kind = found.resourceType or (found.resource.resourceType if found.resource else "")
    except _FAULTS:
        kind = ""
    if kind not in ("", "Observation"):
        return Refusal("resource-type", "only Observations are taken")
    return Refusal("invalid", str(error))
