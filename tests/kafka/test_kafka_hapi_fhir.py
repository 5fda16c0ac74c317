"""HAPI FHIR, which hospitals use, against a real gateway on a real Kafka: what its own model says is in the topics."""

import subprocess

import pytest
from fhir_peers import hapi_fhir
from gateway_and_worker import GatewayAndWorker

from edge.brokers.embedded import free_port
from edge.device_views import read_facts
from edge.gateway.pseudonym import Pseudonyms
from edge.records import Skipped
from streams.contracts.association import Association, NamedPlace, Visit

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("needs_maven")]

CLIENT_S_MAX = 180.0


@pytest.fixture(scope="module")
def site(kafka, tmp_path_factory):
    with GatewayAndWorker(kafka, tmp_path_factory.mktemp("hapi"), gateway_http_port=free_port()) as found:
        yield found


def heard(site, version, patient, device, bed, number):
    """Let the client send, and return what it made of each answer; of an id what stands before it."""
    url = f"http://127.0.0.1:{site.settings.gateway_http_port}/fhir"
    command = hapi_fhir(version, url, patient, device, bed, number)
    done = subprocess.run(command, capture_output=True, text=True, timeout=CLIENT_S_MAX)
    assert done.returncode == 0, done.stderr
    return [line.partition("/")[0] for line in done.stdout.splitlines()]


def facts_of(site, patient):
    """Return what Kafka has of a patient."""
    told = read_facts(site.settings, Skipped()).by_key.values()
    return [one for one in told if getattr(one, "patient", None) == patient]


def test_a_transaction_of_r4_with_references_of_its_own_is_taken_whole(site):
    assert heard(site, "R4", "4711", "mon-r4", "icu:1", "v1") == [
        "transaction 201 Created 201 Created 201 Created",
        "observation 201 Observation",
        "alone 422 UnprocessableEntityException unknown-location",
    ]
    (visit,) = facts_of(site, Pseudonyms().of("HOSP", "4711"))
    assert isinstance(visit, Visit)
    assert [(one.place, one.until_ts_ms) for one in visit.stays] == [("icu:1", None)]
    told = read_facts(site.settings, Skipped()).by_key.values()
    assert [one.place for one in told if isinstance(one, NamedPlace)] == ["icu:1"]
    frames = [said for _, said in site.readings() if said.get("device") == "mon-r4"]
    assert [said["spo2"] for said in frames] == [97.0, 97.0]
    assert frames[0] == frames[1], "sent twice, and one reading"


def test_an_encounter_and_a_device_association_of_r5_are_taken_and_a_contradiction_is_told(site):
    assert heard(site, "R5", "4712", "mon-r5", "icu:2", "visit-5") == [
        "update 201 Encounter",
        "create 201 DeviceAssociation",
        "again 201 DeviceAssociation",
        "contradiction 409 ResourceVersionConflictException device-associated",
    ]
    visit, association = sorted(
        facts_of(site, Pseudonyms().of("HOSP", "4712")), key=lambda one: one.kind, reverse=True
    )
    assert isinstance(visit, Visit)
    assert (visit.id, visit.stays[0].place) == ("visit-5", "icu:2")
    assert isinstance(association, Association)
    assert (association.device, association.source, association.until_ts_ms) == ("mon-r5", "fhir", None)
