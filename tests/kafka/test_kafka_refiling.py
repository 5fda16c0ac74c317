"""Re-filing on Kafka itself: a gateway that dies, compaction as the topic is configured, a whole hour filed anew."""

import json
import time

import pytest
from refiling_site import Site, wait_for

from edge.gateway.moves import Changes
from streams.contracts.association import Movement, Placement

pytestmark = pytest.mark.kafka

FRAMES = 3_000


@pytest.fixture
def site(kafka):
    found = Site(kafka.bootstrap)
    yield found
    found.close()


def test_an_hour_of_frames_is_filed_anew_by_whoever_is_left_and_none_is_lost(site):
    site.tell(Placement(id="0", device="mon-1", place="bed-1", from_ts_ms=0, reporter="plan"))
    first, second = site.refile(), site.refile()
    wait_for(lambda: first.owns or second.owns, "owner")
    assert not (first.owns and second.owns)
    sent = site.frames("~device/mon-1", "mon-1", range(FRAMES, 0, -1))
    (first if first.owns else second).close()
    said = {"id": "1", "what": "admit", "patient": "p-1", "place": "bed-1", "reporter": "adt"}
    began_s = time.monotonic()
    site.tell(Movement.model_validate({**said, "event_ts_ms": site.now_ms - FRAMES // 2 * 1000}))
    site.tell(Movement.model_validate({**said, "id": "2", "what": "update", "event_ts_ms": site.now_ms}))
    wait_for(lambda: len(site.copies("p-1")) >= FRAMES // 2, "copies")
    wait_for(site.left, "departure")
    wait_for(
        lambda: {said["patient"] for said in site.left()} == {"~device/mon-1"}, "who has left, in the topic"
    )
    copied = {copy["seq"] for copy in site.copies("p-1")}
    assert copied == {
        frame["seq"] for frame in sent if frame["event_ts_ms"] >= site.now_ms - FRAMES // 2 * 1000
    }
    print(f"{len(copied)} frames filed anew {time.monotonic() - began_s:.1f} s after the report")


def test_what_was_filed_by_an_old_view_is_found_when_all_has_settled(site, monkeypatch):
    monkeypatch.setattr("edge.gateway.refiler.SETTLE_MS", 3_000)
    owner = site.refile()
    wait_for(lambda: owner.owns, "owner")
    site.frame("~device/mon-2", "mon-2", 50)
    site.associate("mon-2", "p-2", ago_s=60)
    wait_for(lambda: len(site.copies("p-2")) == 1, "copy")
    site.frame("~device/mon-2", "mon-2", 40)
    wait_for(lambda: len(site.copies("p-2")) == 2, "copy of what came after")
    assert json.dumps(site.copies("p-2")[1]).count("refiled") == 1


def test_a_frame_that_was_filed_by_a_report_which_the_refiling_has_yet_to_read_stays_where_it_lies(
    site, monkeypatch
):
    monkeypatch.setattr("edge.gateway.refiler.SETTLE_MS", 1_000)
    said = {"id": "1", "what": "admit", "patient": "p-3", "place": "bed-3", "reporter": "adt"}
    moves, filed = Changes.moves, []

    def meanwhile_somebody_is_admitted(changes):
        found = moves(changes)
        if found and not filed:
            site.tell(Movement.model_validate({**said, "event_ts_ms": site.now_ms - 60_000}))
            filed.append(site.frame("p-3", "mon-3", 1))
        return found

    monkeypatch.setattr(Changes, "moves", meanwhile_somebody_is_admitted)
    site.refile()
    site.tell(Placement(id="0", device="mon-3", place="bed-3", from_ts_ms=0, reporter="plan"))
    wait_for(
        lambda: "~device/mon-3" in {left["patient"] for left in site.left()}, "the admission's departure"
    )
    assert site.copies("~device/mon-3") == []
    assert {left["patient"] for left in site.left()} == {"~device/mon-3"}
