"""Frames of a device on nobody are filed under the patient once somebody says who it is, through a real broker."""

import json
import time

import pytest
from refiling_site import Site, wait_for

from streams.contracts.association import Heard, Movement, Placement
from streams.contracts.topics import ALERTS


@pytest.fixture
def site(broker):
    found = Site(broker.bootstrap)
    yield found
    found.close()


def test_frames_of_a_device_on_nobody_are_filed_anew_and_its_own_stream_ends(site):
    sent = [site.frame("~device/mon-1", "mon-1", ago_s) for ago_s in (300, 50, 40, 30)]
    site.refile()
    site.associate("mon-1", "p-1", ago_s=60)
    wait_for(lambda: len(site.copies("p-1")) == 3, "copies")
    assert site.copies("p-1") == [{**said, "patient": "p-1", "refiled": True} for said in sent[1:]]
    wait_for(site.left, "departure")
    ((departure),) = site.left()
    assert (departure["patient"], departure["device"], departure["withdrawn"]) == (
        "~device/mon-1",
        "mon-1",
        False,
    )


def test_readings_that_were_another_patient_s_are_withdrawn_and_filed_anew(site):
    site.refile()
    site.associate("mon-2", "p-a", ago_s=600)
    wait_for(lambda: site.left() == [], "nothing of it")
    for ago_s in (500, 50, 40):
        site.frame("p-a", "mon-2", ago_s)
    site.associate("mon-2", "p-a", ago_s=600, until_ago_s=60)
    site.associate("mon-2", "p-b", ago_s=60, name="r2")
    wait_for(lambda: len(site.copies("p-b")) >= 2, "copies")
    wait_for(lambda: any(said["withdrawn"] for said in site.left()), "withdrawal")
    (said,) = {json.dumps(said) for said in site.left() if said["withdrawn"]}
    assert json.loads(said)["patient"] == "p-a"
    assert json.loads(said)["from_ts_ms"] == site.now_ms - 60_000
    assert {one["event_ts_ms"] for one in site.copies("p-b")} == {site.now_ms - s * 1000 for s in (50, 40)}


def test_a_view_is_read_to_its_end_before_it_counts_and_followed_after(site):
    site.associate("mon-3", "p-3", ago_s=60)
    site.following.start()
    assert site.filing.patient_at("mon-3", site.now_ms) == "p-3"
    assert site.following.age_s < 10
    site.associate("mon-3", "p-3", ago_s=60, until_ago_s=0)
    wait_for(lambda: site.filing.patient_at("mon-3", site.now_ms + 1) == "~device/mon-3", "release")
    assert site.following.skipped == 0


def test_adt_that_has_been_silent_for_its_bound_is_an_alarm_that_ends_when_it_comes_again(site):
    site.tell(Heard(reporter="adt", event_ts_ms=site.now_ms - 3_600_000))
    site.refile()
    (key, alert) = wait_for(lambda: site.log(ALERTS), "alarm")[0]
    assert (key, alert["rule"], alert["phase"]) == (b"~adt/adt", "adt-silent", "start")
    site.tell(Heard(reporter="adt", event_ts_ms=int(time.time() * 1000)))
    wait_for(lambda: [said["phase"] for _, said in site.log(ALERTS)] == ["start", "end"], "its end")


def test_another_gateway_goes_on_where_one_has_ended(site):
    first = site.refile()
    site.tell(Placement(id="0", device="mon-4", place="bed-4", from_ts_ms=0, reporter="plan"))
    wait_for(lambda: first.owns, "owner")
    first.close()
    site.frame("~device/mon-4", "mon-4", 30)
    said = {"id": "1", "what": "admit", "patient": "p-4", "place": "bed-4", "reporter": "adt"}
    site.tell(Movement.model_validate({**said, "event_ts_ms": site.now_ms - 60_000}))
    site.refile()
    wait_for(lambda: len(site.copies("p-4")) == 1, "copy")
