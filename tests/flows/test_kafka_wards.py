"""A ward of twelve at 48 partitions on Apache Kafka, by the built-in rules: one alarm within 25 s, half of it too."""

import pytest
from ward_watch import WardWatch, wait_until
from worker_flow import Ward

BOUND_S = 25.0
SINGLY_S = 22.0
"""After so long without a frame each patient would have been told of singly: 15 s, 5 s, and two for the ticks."""

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def watch(kafka, tmp_path_factory):
    ward = Ward(kafka.bootstrap, tmp_path_factory.mktemp("ward"), time_base="live", partitions=48, rules=None)
    watch = WardWatch(ward, beds=12)
    ward.start_ready_worker()
    watch.admit()
    watch.send(watch.beds)
    assert len(set(watch.place.values())) > 8
    yield watch
    ward.close()


def lost(watch, beds, phases, others=()):
    """Let some beds fall silent and see that this is one alarm, told in time; then all are heard again."""
    watch.send(beds)
    before = {alert["id"] for alert in watch.told("ward-silent")}
    watch.keep_alive(others, lambda: watch.phases() == phases, "the ward's alarm")
    new = [alert for alert in watch.told("ward-silent") if alert["id"] not in before]
    assert [alert["phase"] for alert in new] == ["start"]
    assert new[0]["told_ms"] - watch.heard_s * 1000 < BOUND_S * 1000
    assert new[0]["evidence"]["value"] >= 3
    watch.keep_alive(others, lambda: watch.judged_for(SINGLY_S), "the time after which each would be told of")
    watch.keep_alive(watch.beds, lambda: watch.phases() == [*phases, "end"], "the end of the ward's alarm")
    assert watch.told("silent-device") == []


def test_a_ward_of_twelve_at_48_partitions_is_one_alarm_and_so_is_half_of_it(watch):
    lost(watch, watch.beds, ["start"])
    lost(watch, watch.beds[:6], ["start", "end", "start"], watch.beds[6:])


def test_a_worker_that_starts_again_goes_on_with_the_alarm_that_stands(watch):
    watch.send(watch.beds)
    phases = ["start", "end", "start", "end", "start"]
    wait_until(lambda: watch.phases() == phases, "the ward's alarm")
    watch.ward.workers[-1].kill()
    watch.ward.start_ready_worker()
    watch.keep_alive(watch.beds, lambda: watch.phases() == [*phases, "end"], "the end of the ward's alarm")
    assert len({alert["episode"] for alert in watch.told("ward-silent")}) == 3
    assert watch.told("silent-device") == []
