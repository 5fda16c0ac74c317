"""FHIR in tests: Observations as dicts, a gateway that takes them, and requests to it."""

import asyncio
import contextlib
import copy
import json

from gateway_world import ANYBODY, RecordingDoor, post

from edge.gateway.associations import Facts
from edge.gateway.fhir.capability import capability_statement
from edge.gateway.fhir.fhir_intake import METADATA_PATH, FhirParts, fhir_intakes, fhir_updates
from edge.gateway.fhir.given_resources import Telling
from edge.gateway.fhir.outcomes import FHIR_TYPE
from edge.gateway.filing import Filing
from edge.gateway.http.server import HttpServer, Pages
from edge.gateway.metrics import GatewayMetrics
from edge.gateway.pseudonym import Pseudonyms
from edge.gateway.registrar import KafkaRegistrar

FHIR = {"Content-Type": FHIR_TYPE}
LOINC = "http://loinc.org"
MDC = "urn:iso:std:iso:11073:10101"
UCUM = "http://unitsofmeasure.org"
AT = "2026-03-01T12:00:00.250+01:00"
AT_MS = 1_772_362_800_250
INTERVAL_MS = 5_000
NOW_MS = AT_MS + 1_000
BOUND_MS = 900_000


def coded(code, system=LOINC):
    return {"coding": [{"system": system, "code": code}]}


def quantity(value, code="%", **more):
    return {"value": value, "unit": code, "system": UCUM, "code": code, **more}


BASE = {
    "resourceType": "Observation",
    "status": "final",
    "code": coded("59408-5"),
    "subject": {"identifier": {"system": "urn:vigil:stream", "value": "bed-1"}},
    "device": {"identifier": {"value": "mon-a"}},
    "effectiveDateTime": AT,
    "valueQuantity": quantity(97),
}


def observation(**changes):
    """Return an Observation; a change to None leaves the field out."""
    made = {**copy.deepcopy(BASE), **changes}
    return {name: value for name, value in made.items() if value is not None}


def entry(resource=None, **request):
    return {
        "resource": observation() if resource is None else resource,
        "request": {"method": "POST", "url": "Observation", **request},
    }


def bundle(*entries, kind="batch"):
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


class Known:
    """What is known of who is where; young enough unless `is_old`."""

    def __init__(self):
        self.filing, self.is_old = Filing(Facts(BOUND_MS)), False

    def is_current(self):
        return not self.is_old

    def on(self, device="mon-a", at_ms=AT_MS):
        """Return who is on a device."""
        return self.filing.patient_at(device, at_ms)


def fhir_pages(door, metrics, known=None):
    """Return the paths of FHIR over a real registrar."""
    known = known or Known()
    telling = Telling(KafkaRegistrar(door, known.filing, lambda: NOW_MS), known)
    parts = FhirParts(metrics.protocol("fhir"), Pseudonyms(), lambda name: INTERVAL_MS, telling)
    read = {METADATA_PATH: lambda: (200, json.dumps(capability_statement()).encode(), FHIR_TYPE)}
    return Pages(read, {}, fhir_intakes(parts), fhir_updates(parts))


@contextlib.asynccontextmanager
async def fhir_serving(door, identify=lambda header, peer: ANYBODY, known=None):
    metrics = GatewayMetrics()
    pages = fhir_pages(door, metrics, known)
    server = HttpServer(door, identify, metrics.protocol("http"), pages)
    await server.start("127.0.0.1", 0)
    try:
        yield server, metrics
    finally:
        await server.stop()


def asked(what, path="/fhir/Observation", headers=FHIR, door=None, method="POST", **how):
    """Return status, JSON and headers of one request, and the frames at the door."""

    async def run():
        at = door or RecordingDoor()
        async with fhir_serving(at, **how) as (server, metrics):
            body = what if isinstance(what, bytes) else json.dumps(what).encode()
            status, said, answered = await post(server, body, headers, method, path)
            asked.metrics = metrics
        return status, said, answered, [one.frame for one in at.given]

    return asyncio.run(run())


def reason_in(outcome):
    return outcome["issue"][0]["details"]["coding"][0]["code"]
