"""Who is where, as FHIR says it: Encounters of both versions, Locations and DeviceAssociations as dicts, in tests."""

import json
from datetime import UTC, datetime

from fhir_world import AT_MS, Known, asked
from gateway_world import RecordingDoor

from streams.contracts.association import AssociationRecord, Placement

STREAM = "urn:vigil:stream"
PATIENT = {"identifier": {"system": STREAM, "value": "p-1"}}
MINUTE_MS = 60_000


def moment(minutes):
    """Return the time so many minutes after AT, as FHIR writes it."""
    at = datetime.fromtimestamp((AT_MS + minutes * MINUTE_MS) / 1000, UTC)
    return at.isoformat("T", "milliseconds")


def ms(minutes):
    return AT_MS + minutes * MINUTE_MS


def period(start=None, end=None):
    said = {"start": start, "end": end}
    return {name: moment(minutes) for name, minutes in said.items() if minutes is not None}


def at_bed(bed, start=None, end=None, status="active", **more):
    """Return where a patient is: a bed by its name, or by a reference where it is one."""
    named = {"reference": bed} if "/" in bed or bed.startswith("urn:") else {"identifier": {"value": bed}}
    span = {"period": period(start, end)} if (start, end) != (None, None) else {}
    return {"location": named, "status": status, **span, **more}


def without_none(made):
    return {name: value for name, value in made.items() if value is not None}


def encounter(*stays, status="in-progress", **changes):
    """Return an Encounter; a change to None leaves the field out."""
    made = {
        "resourceType": "Encounter",
        "status": status,
        "subject": PATIENT,
        "location": list(stays) or None,
    }
    return without_none({**made, "identifier": [{"system": "v", "value": "1"}], **changes})


def association(status="attached", span=None, **changes):
    made = {
        "resourceType": "DeviceAssociation",
        "status": {"coding": [{"system": "http://hl7.org/fhir/deviceassociation-status", "code": status}]},
        "device": {"identifier": {"value": "mon-a"}},
        "subject": PATIENT,
        "period": span or period(-10),
    }
    return without_none({**made, **changes})


def place(**changes):
    made = {"resourceType": "Location", "status": "active", "identifier": [{"value": "icu:1"}]}
    return without_none({**made, **changes})


def put_in(resource, name="", **request):
    """Return an entry that posts a resource, or puts it under an id."""
    kind = resource["resourceType"]
    asks = {"method": "PUT", "url": f"{kind}/{name}"} if name else {"method": "POST", "url": kind}
    return {"resource": resource, "request": asks | request}


class Ward:
    """A gateway whose devices stand at beds, and what was told to it."""

    def __init__(self, **beds):
        self.known, self.door = Known(), RecordingDoor()
        for device, bed in beds.items():
            told = Placement(id="1", device=device, place=bed, from_ts_ms=0, reporter="plan")
            self.known.filing.apply(told.key, told, AT_MS)

    def say(self, what, path=None, name="", **how):
        """Send a resource or a bundle; return status and the reason why it was not taken, if so."""
        kind = what["resourceType"]
        path = path or ("/fhir" if kind == "Bundle" else f"/fhir/{kind}" + (f"/{name}" if name else ""))
        how.setdefault("method", "PUT" if name else "POST")
        status, said, headers, _ = asked(what, path, door=self.door, known=self.known, **how)
        self.answer, self.headers = said, headers
        if status >= 400:
            return status, said["issue"][0]["details"]["coding"][0]["code"]
        return status, ""

    def told(self):
        """Return what Kafka has."""
        return [AssociationRecord.model_validate_json(value).root for _, _, value in self.door.stored]

    def course(self, *minutes, device="mon"):
        """Return who is on a device at these minutes, `-` for nobody."""
        found = [self.known.on(device, ms(one)) for one in minutes]
        return " ".join("-" if one.startswith("~") else one for one in found)


def reasons(answer):
    """Return why each entry of a batch was not taken, empty where it was."""
    outcomes = [one["response"].get("outcome") for one in answer["entry"]]
    return ["" if one is None else one["issue"][0]["details"]["coding"][0]["code"] for one in outcomes]


def text_of(resource):
    return json.dumps(resource).encode()
