"""FHIR that says who is where, through a real gateway into a real Kafka with a worker: whose the alarms are."""

import json
import time
import urllib.error
import urllib.request

import pytest
from fhir.resources.deviceassociation import DeviceAssociation
from fhir.resources.encounter import Encounter
from fhir.resources.location import Location
from gateway_and_worker import GatewayAndWorker, wait_until

from edge.brokers.embedded import free_port
from edge.device_views import read_facts, send_facts
from edge.gateway.pseudonym import Pseudonyms
from edge.records import Skipped
from streams.contracts.association import Placement

pytestmark = pytest.mark.kafka

ANSWER_S_MAX = 15


class FhirHospital(GatewayAndWorker):
    """A gateway and a worker on Kafka, FHIR and frames by HTTP, and what comes out."""

    def __init__(self, kafka, folder):
        super().__init__(kafka, folder, gateway_http_port=free_port())

    def send(self, what, path, method="POST", kind="application/fhir+json"):
        """Send a body and return status and JSON of the answer."""
        url = f"http://127.0.0.1:{self.settings.gateway_http_port}{path}"
        request = urllib.request.Request(
            url, json.dumps(what).encode(), {"Content-Type": kind}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_S_MAX) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def measure(self, device, **signals):
        """Have a device that names nobody report now."""
        at_ms = int(time.time() * 1000)
        frame = {"device": device, "boot": 1, "seq": at_ms, "event_ts_ms": at_ms, **signals}
        status, _ = self.send(frame, "/v1/readings", kind="application/json")
        assert status == 202

    def keys_of(self, device):
        """Return the streams that a device's frames lie in."""
        return {key.decode() for key, said in self.readings() if said.get("device") == device}


@pytest.fixture(scope="module")
def hospital(kafka, tmp_path_factory):
    with FhirHospital(kafka, tmp_path_factory.mktemp("fhir")) as found:
        yield found


def entry(resource, name=""):
    """Return a resource as another program builds it, in an entry that posts it or puts it under an id."""
    kind = type(resource).__name__
    asks = {"method": "PUT", "url": f"{kind}/{name}"} if name else {"method": "POST", "url": kind}
    return {"resource": json.loads(resource.model_dump_json()), "request": asks}


def moment(ago_s):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ago_s))


def subject(number):
    return {"identifier": {"system": "HOSP", "value": number}}


def association(number, device, ago_s):
    return DeviceAssociation.model_validate(
        {
            "status": {"coding": [{"code": "attached"}]},
            "device": {"identifier": {"value": device}},
            "subject": subject(number),
            "period": {"start": moment(ago_s)},
        }
    )


def encounter(number, place, ago_s, **changes):
    stay = {"location": place, "status": "active", "period": {"start": moment(ago_s)}}
    made = {"status": "in-progress", "subject": subject(number), "location": [stay]}
    return Encounter.model_validate({**made, **changes})


def place(hospital, device, bed):
    since = Placement(id="1", device=device, place=bed, from_ts_ms=0, reporter="plan")
    send_facts(hospital.settings, [since])


def test_an_encounter_admits_and_an_association_puts_a_device_on_the_patient_who_has_its_alarms(hospital):
    patient = Pseudonyms().of("HOSP", "4711")
    place(hospital, "mon-1", "icu:1")
    bed = Location.model_validate({"status": "active", "identifier": [{"value": "icu:1"}]})
    entries = [
        entry(association("4711", "tele-1", 60)),
        entry(encounter("4711", {"reference": "Location/7"}, 60), "1"),
        entry(bed, "7"),
    ]
    ward = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    for _ in range(2):
        status, said = hospital.send(ward, "/fhir")
        assert status == 200
        assert [one["response"]["status"] for one in said["entry"]] == ["201 Created"] * 3
    facts = read_facts(hospital.settings, Skipped())
    assert len(facts.by_key) == 4, "in Kafka, and a resend is one record"
    assert facts.spans("mon-1")[-1].patient == facts.spans("tele-1")[-1].patient == patient
    hospital.measure("tele-1", asystole=True)
    assert hospital.alert("asystole", patient).priority == "high"
    assert hospital.keys_of("tele-1") == {patient}
    # The placement came to the gateway through Kafka, which takes a moment.
    told = hospital.alert("vfib", patient, lambda: hospital.measure("mon-1", vfib=True))
    assert told.phase == "start"
    other = json.loads(association("4712", "mon-1", 5).model_dump_json())
    status, said = hospital.send(other, "/fhir/DeviceAssociation")
    assert (status, said["issue"][0]["details"]["coding"][0]["code"]) == (409, "device-associated")


def test_a_discharge_that_is_learnt_late_files_anew_what_came_after_it(hospital):
    patient = Pseudonyms().of("HOSP", "4713")
    place(hospital, "mon-2", "icu:2")
    admitted = encounter("4713", {"identifier": {"value": "icu:2"}}, 60)
    assert hospital.send(json.loads(admitted.model_dump_json()), "/fhir/Encounter/2", "PUT")[0] == 201

    def is_filed():
        hospital.measure("mon-2", hr=70.0)
        return patient in hospital.keys_of("mon-2")

    wait_until(is_filed, "a frame of the patient")
    left = json.loads(admitted.model_dump_json()) | {
        "status": "completed",
        "actualPeriod": {"end": moment(30)},
    }
    assert hospital.send(left, "/fhir/Encounter/2", "PUT")[0] == 201
    own = b"~device/mon-2"

    def refiled():
        return {said["seq"] for key, said in hospital.readings() if key == own and said.get("refiled")}

    first = [said["seq"] for key, said in hospital.readings() if key == patient.encode()]
    wait_until(lambda: set(first) <= refiled(), "each of them in the device's own stream")
    hospital.measure("mon-2", hr=71.0)
    assert [(key, said.get("refiled")) for key, said in hospital.readings() if said.get("hr") == 71.0] == [
        (own, None)
    ]
