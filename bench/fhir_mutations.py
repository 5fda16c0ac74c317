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
from edge.gateway.fhir.fhir_intake import BASE, OBSERVATION_PATH, fhir_intakes
from edge.gateway.fhir.outcomes import FHIR_TYPE
from edge.gateway.http.answers import TITLES
from edge.gateway.http.intakes import Asked, Intake
from edge.gateway.identities import ANYBODY
from edge.gateway.items import TooMany, Unreadable
from edge.gateway.metrics import GatewayMetrics
from edge.gateway.pseudonym import Pseudonyms

MUTATIONS_MAX: Final = 4
LOINC: Final = "http://loinc.org"
MDC: Final = "urn:iso:std:iso:11073:10101"
UCUM: Final = "http://unitsofmeasure.org"


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
    "effectiveDateTime": "2026-03-01T12:00:00.250+01:00",
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
_ENTRIES: Final = [
    {"resource": one, "request": {"method": "POST", "url": "Observation", "ifNoneExist": "identifier=1"}}
    for one in (_NUMBER, _PANEL, _FLAG)
]
CORPUS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    (OBSERVATION_PATH, _NUMBER),
    (OBSERVATION_PATH, _PANEL),
    (OBSERVATION_PATH, _FLAG),
    (OBSERVATION_PATH, {key: value for key, value in _PANEL.items() if key != "identifier"}),
    (BASE, {"resourceType": "Bundle", "type": "batch", "entry": _ENTRIES}),
    (BASE, {"resourceType": "Bundle", "type": "transaction", "entry": _ENTRIES}),
)
_STRANGE: Final[tuple[Any, ...]] = (
    *(None, True, 0, -1, 1e308, 10**30, "", "?", "\udcff", "2026", "a" * 3_000, [], [[]], {}, [{}]),
    *("entered-in-error", "<", "ad", "2016-12-31T23:59:60Z", "Device/1", {"value": 1}, [None]),
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
    door = CheckingDoor()
    intakes = fhir_intakes(GatewayMetrics().protocol("fhir"), Pseudonyms(), lambda name: 1_000)
    asked = Asked(ANYBODY, FHIR_TYPE, {"If-None-Exist": "identifier=1"})
    for _ in range(inputs):
        path, tree = chance.choice(CORPUS)
        body = _damaged(chance, tree)
        with found.one(body):
            await _one(intakes[path], asked, body, door, found)
    found.wrong += door.wrong


async def _one(intake: Intake, asked: Asked, body: bytes, door: CheckingDoor, found: Found) -> None:
    try:
        given = intake.read(body, asked)
    except (TooMany, Unreadable) as error:
        found.outcomes[f"body: {type(error).__name__}"] += 1
        return
    results = given.results(await door.readings(ANYBODY, given.hand_over()))
    answer = given.answer(results)
    for result in results:
        found.outcomes["Observation: taken" if result is None else f"Observation: {result.reason}"] += 1
    if answer.status not in {200, 201} | {status for status, _ in TITLES.values()}:
        found.wrong.append(f"{answer.status} on {body!r}")


if __name__ == "__main__":
    sys.exit(command(__doc__, run))
