"""A ward over all partitions on a real broker: one alarm, whoever judges it meanwhile, and singles where it is none."""

import pytest
from ward_watch import WardWatch, wait_until

PARTITIONS = 8


@pytest.fixture
def watch(make_ward):
    watch = WardWatch(make_ward(time_base="live", partitions=PARTITIONS), beds=12)
    watch.ward.start_ready_worker()
    watch.admit()
    watch.send(watch.beds)
    assert len(set(watch.place.values())) > 4
    return watch


def test_a_ward_that_falls_silent_is_one_alarm_though_its_workers_change_meanwhile(watch):
    wait_until(lambda: watch.phases() == ["start"], "the ward's alarm")
    (alert,) = watch.told("ward-silent")
    assert alert["told_ms"] - watch.heard_s * 1000 < 10_000  # devices may be silent for 4 s here
    first = watch.ward.workers[0]
    watch.ward.start_ready_worker()
    wait_until(
        lambda: first.metric("vigil_partitions_assigned") < PARTITIONS, "a share for the second worker"
    )
    first.kill()
    second = watch.ward.workers[1]
    wait_until(lambda: second.metric("vigil_partitions_assigned") == PARTITIONS, "all for the second worker")
    watch.keep_alive(watch.beds, lambda: watch.phases() == ["start", "end"], "the end of the ward's alarm")
    told = watch.told("ward-silent")
    assert {alert["episode"] for alert in told} == {told[0]["episode"]}
    assert [alert["id"].rpartition("-")[2] for alert in told] == [str(n) for n in range(len(told))]
    assert watch.told("silent-device") == []
    assert {lost for _, lost in watch.answers()} == {True, False}


def test_a_few_beds_of_a_ward_are_told_of_singly(watch):
    few, others = watch.beds[:5], watch.beds[5:]

    def told():
        return {alert["patient"] for alert in watch.told("silent-device") if alert["phase"] == "start"}

    watch.keep_alive(others, lambda: told() == set(few), "an alarm of each silent bed")
    assert watch.phases() == []
