"""A worker that judges a device on nobody, until somebody says whom it is on."""

import json

import pytest
from refiling_site import Site, wait_for
from worker_flow import tick

from streams.contracts.association import Association
from streams.contracts.partitions import partition_of
from streams.contracts.topics import ASSOCIATIONS, READINGS

OWN = "~device/mon-1"


@pytest.fixture
def ward(make_ward):
    return make_ward()


@pytest.fixture
def refile(ward):
    site = Site(ward.settings.brokers, ward.settings)
    yield site.refile
    site.close()


def send(ward, stream, seconds, hr):
    partition = partition_of(stream, ward.settings.partitions)
    for second in seconds:
        said = {"patient": stream, "device": "mon-1", "boot": 0, "seq": second, "event_ts_ms": second * 1000}
        frame = json.dumps({**said, "hr": hr}).encode()
        ward.send_all([(partition, stream.encode(), frame), (partition, *tick(second))])


def associate(ward, patient, start_s, until_s=None, name="r"):
    said = {"id": name, "device": "mon-1", "patient": patient, "reporter": "nurse", "source": "command"}
    until_ms = None if until_s is None else until_s * 1000
    fact = Association(**said, from_ts_ms=start_s * 1000, until_ts_ms=until_ms, validated=True)
    ward.send_to(ASSOCIATIONS, 0, fact.key, fact.model_dump_json().encode())


def told(ward):
    return [(alert["patient"], alert["rule"], alert["phase"]) for alert in ward.alerts()]


def copies(ward):
    return [v for v in map(json.loads, (r.value for r in ward.read(READINGS))) if v.get("refiled")]


def test_its_own_stream_is_told_of_and_ends_and_wrong_readings_are_withdrawn(ward, refile):
    ward.start_ready_worker()
    send(ward, OWN, range(1, 25), hr=140)
    wait_for(lambda: (OWN, "unassociated-device", "start") in told(ward), "alarm of a device on nobody")
    assert (OWN, "hr-high", "start") in told(ward)
    refile()
    associate(ward, "p-1", 5)
    wait_for(lambda: (OWN, "unassociated-device", "end") in told(ward), "its end")
    assert (OWN, "hr-high", "end") in told(ward)
    assert [copy["seq"] for copy in copies(ward)] == list(range(5, 25))
    send(ward, "p-1", range(25, 40), hr=140)
    wait_for(lambda: ("p-1", "hr-high", "start") in told(ward), "alarm of the patient")
    associate(ward, "p-1", 5, 30)
    associate(ward, "p-2", 30, name="other")
    wait_for(lambda: ("p-1", "hr-high", "end") in told(ward), "end of an alarm of somebody else's readings")
    partition = partition_of("p-1", ward.settings.partitions)
    ward.send_all([(partition, *tick(41))])
    wait_for(lambda: ("p-1", "readings-withdrawn", "start") in told(ward), "withdrawal")
    assert {copy["seq"] for copy in copies(ward) if copy["patient"] == "p-2"} == set(range(30, 40))
    ward.wait_for_alerts(ward.expected())
