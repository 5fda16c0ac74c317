"""Damaged FHIR at our readers: whatever bytes come, each is refused with a reason or its frames are in the door.

`python -m bench.fhir_mutations --inputs 100000` says what became of each, and ends with 1 where something was wrong.
Half of the inputs are damaged as text, half as trees: a field is another's, gone, or of another type.
"""

import asyncio
import copy
import json
import random
import sys
from typing import Any, Final

from bench.http_mutations import mutate
from bench.mutations import CheckingDoor, Found, command
from edge.gateway.accept import Headers
from edge.gateway.associations import Facts
from edge.gateway.fhir.fhir_intake import OBSERVATION_PATH, FhirParts, fhir_intakes, fhir_updates
from edge.gateway.fhir.given_resources import BASE, Telling
from edge.gateway.fhir.outcomes import FHIR_TYPE
from edge.gateway.filing import Filing
from edge.gateway.http.answers import TITLES
from edge.gateway.http.intakes import Asked, Intake
from edge.gateway.identities import ANYBODY
from edge.gateway.items import TooMany, Unreadable
from edge.gateway.metrics import GatewayMetrics
from edge.gateway.pseudonym import Pseudonyms
from edge.gateway.registrar import KafkaRegistrar
from streams.contracts.association import AssociationRecord

MUTATIONS_MAX: Final = 4
LOINC: Final = "http://loinc.org"
MDC: Final = "urn:iso:std:iso:11073:10101"
UCUM: Final = "http://unitsofmeasure.org"
AT: Final = "2026-03-01T12:00:00.250+01:00"
AT_MS: Final = 1_772_362_800_250
FORGOTTEN_AFTER: Final = 200
"""Inputs; then the registrar knows nothing again, so that not all is refused beside what is known."""


def _coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def _quantity(value: float, code: str) -> dict[str, Any]:
    return {"value": value, "unit": code, "system": UCUM, "code": code}


_WHO: Final[dict[str, Any]] = {
    "resourceType": "Observation",
    "status": "final",
    "identifier": [{"system": "urn:x", "value": "1"}],
    "subject": {"reference": "Patient/4711"},
    "device": {"identifier": {"system": "urn:oid:1.2", "value": "00-1A-2B-3C-4D-5E-6F-70"}},
    "effectiveDateTime": AT,
}
_NUMBER: Final = {**_WHO, "code": _coded(LOINC, "59408-5"), "valueQuantity": _quantity(97, "%")}
_PANEL: Final = {
    **_WHO,
    "code": _coded(LOINC, "85354-9"),
    "component": [
        {"code": _coded(LOINC, "8480-6"), "valueQuantity": _quantity(120, "mm[Hg]") | {"comparator": "<"}},
        {"code": _coded(MDC, "150022"), "dataAbsentReason": {"text": "cuff"}},
    ],
}
_FLAG: Final = {**_WHO, "code": _coded(MDC, "199684"), "valueBoolean": True}
_PLACE: Final = {
    "resourceType": "Location",
    "status": "active",
    "identifier": [{"system": "urn:x", "value": "icu:12:1"}],
    "name": "Bed 1",
}
_SINCE: Final = {"start": "2026-03-01T10:00:00Z"}
_STAYS: Final[list[dict[str, Any]]] = [
    {"location": {"reference": "Location/7"}, "status": "completed", "period": _SINCE | {"end": AT}},
    {"location": {"identifier": {"value": "icu:12:2"}}, "status": "active", "period": {"start": AT}},
]
_VISIT: Final[dict[str, Any]] = {
    "resourceType": "Encounter",
    "meta": {"lastUpdated": AT},
    "identifier": [{"system": "urn:v", "value": "1"}],
    "status": "in-progress",
    "subject": {"reference": "Patient/4711"},
    "period": _SINCE,
    "location": _STAYS,
}
_OVER: Final = {
    **{key: value for key, value in _VISIT.items() if key not in ("period", "location")},
    "status": "completed",
    "actualPeriod": _SINCE | {"end": AT},
}
_ON: Final = {
    "resourceType": "DeviceAssociation",
    "status": {"coding": [{"system": "http://hl7.org/fhir/deviceassociation-status", "code": "attached"}]},
    "device": {"identifier": {"value": "mon-1"}},
    "subject": {"reference": "Patient/4711"},
    "period": _SINCE,
}


def _entry(resource: dict[str, Any], name: str = "") -> dict[str, Any]:
    kind = resource["resourceType"]
    request = {"method": "PUT" if name else "POST", "url": f"{kind}/{name}".rstrip("/")}
    return {
        "fullUrl": "urn:uuid:1",
        "resource": resource,
        "request": request | {"ifNoneExist": "identifier=1"},
    }


_ENTRIES: Final = [_entry(one) for one in (_NUMBER, _PANEL, _FLAG)]
_WARD: Final = [_entry(_PLACE, "7"), _entry(_VISIT), _entry(_ON), _entry(_NUMBER), _entry(_OVER)]
CORPUS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    (OBSERVATION_PATH, _NUMBER),
    (OBSERVATION_PATH, _PANEL),
    (OBSERVATION_PATH, _FLAG),
    (OBSERVATION_PATH, {key: value for key, value in _PANEL.items() if key != "identifier"}),
    (BASE, {"resourceType": "Bundle", "type": "batch", "entry": _ENTRIES}),
    (BASE, {"resourceType": "Bundle", "type": "transaction", "entry": _ENTRIES}),
    (f"{BASE}/Location/7", _PLACE),
    (f"{BASE}/Encounter/1", _VISIT),
    (f"{BASE}/Encounter/1", _OVER),
    (f"{BASE}/Encounter", _VISIT | {"location": _STAYS[1:]}),
    (f"{BASE}/DeviceAssociation", _ON),
    (BASE, {"resourceType": "Bundle", "type": "batch", "entry": _WARD}),
    (BASE, {"resourceType": "Bundle", "type": "transaction", "entry": _WARD}),
)
_STRANGE: Final[tuple[Any, ...]] = (
    *(None, True, 0, -1, 1e308, 10**30, "", "?", "\udcff", "2026", "a" * 3_000, [], [[]], {}, [{}]),
    *("entered-in-error", "<", "ad", "2016-12-31T23:59:60Z", "Device/1", {"value": 1}, [None]),
    *(
        "finished",
        "planned",
        "reserved",
        "Location/7",
        "urn:uuid:1",
        {"start": AT},
        {"end": AT},
        _STAYS,
        "explanted",
    ),
)


def _twisted(chance: random.Random, tree: dict[str, Any]) -> bytes:
    """Return a tree of which some fields are others."""
    tree = copy.deepcopy(tree)
    for _ in range(chance.randint(1, MUTATIONS_MAX)):
        at: Any = tree
        while True:
            keys = list(at) if isinstance(at, dict) else list(range(len(at)))
            if not keys:
                break
            key = chance.choice(keys)
            if isinstance(at[key], (dict, list)) and chance.random() < 0.8:
                at = at[key]
                continue
            if chance.random() < 0.3:
                del at[key]
            else:
                at[key] = copy.deepcopy(chance.choice(_STRANGE))  # what is damaged next may lie in it
            break
    return json.dumps(tree).encode()


def _damaged(chance: random.Random, tree: dict[str, Any]) -> bytes:
    if chance.random() < 0.5:
        return _twisted(chance, tree)
    body = json.dumps(tree).encode()
    for _ in range(chance.randint(1, MUTATIONS_MAX)):
        body = mutate(chance, body)
    return body


def run(inputs: int, seed: int) -> Found:
    """Read `inputs` damaged inputs; the same seed makes the same."""
    found = Found()
    asyncio.run(_all(inputs, random.Random(seed), found))
    return found


async def _all(inputs: int, chance: random.Random, found: Found) -> None:
    door, filing = _Door(), Filing(Facts(900_000))
    telling = Telling(KafkaRegistrar(door, filing, lambda: AT_MS), _Current())
    parts = FhirParts(GatewayMetrics().protocol("fhir"), Pseudonyms(), lambda name: 1_000, telling)
    posted, put = fhir_intakes(parts), fhir_updates(parts)
    for number in range(inputs):
        if number % FORGOTTEN_AFTER == 0:
            filing.forget()
        path, tree = chance.choice(CORPUS)
        above, _, name = path.rpartition("/")
        intake, name = (put[above], name) if above in put else (posted[path], "")
        asked = Asked(ANYBODY, FHIR_TYPE, {"If-None-Exist": "identifier=1"}, name)
        body = _damaged(chance, tree)
        with found.one(body):
            await _one(intake, asked, body, door, found)
    found.wrong += door.wrong


class _Door(CheckingDoor):
    """Takes frames and what says who is where, and checks each against its contract."""

    async def store(self, topic: str, key: bytes, value: bytes, headers: Headers = ()) -> None:
        """Take a record."""
        if AssociationRecord.model_validate_json(value).root.key != key:
            self.wrong.append(f"a record with another's key: {value!r}")
        self.kept += 1


class _Current:
    """A view that is young enough."""

    def patient_at(self, device: str, event_ts_ms: int, named: str) -> str:
        """Return who is named."""
        return named

    def is_current(self) -> bool:
        """Return that it is."""
        return True


async def _one(intake: Intake, asked: Asked, body: bytes, door: CheckingDoor, found: Found) -> None:
    try:
        given = intake.read(body, asked)
    except (TooMany, Unreadable) as error:
        found.outcomes[f"body: {type(error).__name__}"] += 1
        return
    await given.register()
    results = given.results(await door.readings(ANYBODY, given.hand_over()))
    answer = given.answer(results)
    for result in results:
        found.outcomes["resource: taken" if result is None else f"resource: {result.reason}"] += 1
    if answer.status not in {200, 201, 409} | {status for status, _ in TITLES.values()}:
        found.wrong.append(f"{answer.status} on {body!r}")


if __name__ == "__main__":
    sys.exit(command(__doc__, run))
