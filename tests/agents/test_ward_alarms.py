"""A ward that falls silent: one alarm for all of its patients, wherever their partitions are."""

import json

import pytest
from engine_hospital import Hospital

from agents.judging.reasons import Reason
from agents.wards.agent import shown

START, CONTINUE, ESCALATE, END, UPDATE = 1, 2, 3, 5, 6
BEDS = ("bed-1", "bed-2", "bed-3", "bed-4")
WARD = "~ward/icu"


@pytest.fixture
def hospital():
    hospital = Hospital(BEDS)
    assert len({hospital.place(bed) for bed in BEDS}) > 2
    hospital.watch(10, *BEDS)
    return hospital


def singles(told):
    return sorted(patient for patient, rule, phase in told if (rule, phase) == ("silent-device", START))


def test_a_ward_that_falls_silent_is_one_alarm_and_not_one_for_each_bed(hospital):
    assert hospital.watch(60) == [(WARD, "ward-silent", START)]
    alert = hospital.of_phase("start")[0]
    assert alert.source.model_dump(include={"kind", "name"}) == {"kind": "ward", "name": "icu"}
    assert (alert.patient, alert.priority, alert.type) == (WARD, "medium", "technical")
    assert (
        alert.evidence.value == 3
    )  # the fourth is counted at the same tick, in a partition that says so later
    assert alert.reason == "ward: 3 patients without any frame for 15 s: look at gateway and network"
    assert alert.onset_ts_ms == 610_000
    withheld = [tally.of(Reason.WARD_SILENT) for worker in hospital.workers for tally in worker.tallies]
    assert sum(withheld) == 4


@pytest.mark.parametrize("beds", [12, 6])
def test_a_ward_of_twelve_at_48_partitions_is_one_alarm_within_25_s_and_so_is_half_of_it(beds):
    everybody = [f"bed-{number}" for number in range(12)]
    hospital = Hospital(everybody, partitions=48)
    hospital.watch(10, *everybody)
    assert hospital.watch(17, *everybody[beds:]) == [(WARD, "ward-silent", START)]
    told = hospital.watch(120, *everybody[beds:])
    assert {(patient, rule) for patient, rule, _ in told} == {(WARD, "ward-silent")}
    assert [alert.phase for alert in hospital.alerts.values()] == ["start", "continue", "continue"]


def test_less_than_half_of_a_ward_is_told_of_singly_after_five_seconds_more():
    everybody = [f"bed-{number}" for number in range(12)]
    hospital = Hospital(everybody, partitions=48)
    hospital.watch(10, *everybody)
    assert hospital.watch(19, *everybody[5:]) == []
    assert singles(hospital.watch(1, *everybody[5:])) == sorted(everybody[:5])


def test_fewer_than_three_patients_are_no_ward():
    hospital = Hospital(BEDS[:2])
    hospital.watch(10, *BEDS[:2])
    assert hospital.watch(19) == []
    assert singles(hospital.watch(1)) == sorted(BEDS[:2])


def test_without_an_answer_each_patient_is_told_of_singly_five_seconds_later():
    hospital = Hospital(BEDS, answers=False)
    hospital.watch(10, *BEDS)
    assert hospital.watch(19) == []
    assert singles(hospital.watch(1)) == sorted(BEDS)


def test_an_answer_that_is_not_renewed_ends_and_each_patient_is_told_of_singly(hospital):
    hospital.watch(20)
    hospital.does_answer = False
    assert singles(hospital.watch(24)) == []
    assert singles(hospital.watch(1)) == sorted(BEDS)


def test_it_is_told_again_every_minute_and_ends_when_the_ward_is_heard_again(hospital):
    hospital.watch(20)
    told = hospital.watch(61)
    assert told == [(WARD, "ward-silent", CONTINUE)]
    assert hospital.watch(5, *BEDS) == [(WARD, "ward-silent", END)]
    assert hospital.of_phase("end")[0].state == "inactive"
    assert hospital.watch(60, *BEDS) == []


def test_who_stays_silent_after_it_is_told_of_singly(hospital):
    hospital.watch(20)
    told = hospital.watch(5, "bed-1", "bed-2", "bed-3")
    assert (WARD, "ward-silent", END) in told
    assert singles(told) == ["bed-4"]


def test_a_single_silent_device_stays_single(hospital):
    assert hospital.watch(20, *BEDS[1:]) == [("bed-1", "silent-device", START)]


def test_patients_of_no_ward_are_told_of_singly_and_wait_for_nobody():
    hospital = Hospital(BEDS, ward=None)
    hospital.watch(10, *BEDS)
    assert singles(hospital.watch(15)) == sorted(BEDS)


def test_who_acknowledges_a_ward_s_alarm_is_not_told_of_it_again_but_of_its_end(hospital):
    hospital.watch(20)
    assert hospital.acknowledge() == ("accepted", "acknowledge by nurse-7")
    alert = hospital.of_phase("update")[0]
    assert (alert.patient, alert.inactivation) == (WARD, "alert-acknowledged")
    assert (alert.acknowledged_by, alert.command) == ("nurse-7", "ack-1")
    assert hospital.given[0].alerts == (alert.id,)
    assert hospital.watch(130) == []
    assert hospital.acknowledge() is None
    assert hospital.acknowledge(command="ack-2") == ("refused", "already acknowledged")
    assert hospital.watch(5, *BEDS) == [(WARD, "ward-silent", END)]
    refused = hospital.acknowledge(command="ack-3")
    assert refused == (
        "refused",
        f"no open alarm of episode {alert.episode}: it is over or was never announced",
    )


def test_a_ward_that_nobody_knows_has_no_alarm_and_leaves_nothing_behind(hospital):
    hospital.order("~ward/er", "acknowledge", episode="0" * 16)
    assert hospital.given[0].outcome == "refused"
    assert set(hospital.wards.wards) == {"icu"}


def test_a_ward_s_next_loss_is_told_of_though_the_last_was_acknowledged(hospital):
    hospital.watch(20)
    hospital.acknowledge()
    hospital.watch(60, *BEDS)
    assert (WARD, "ward-silent", START) in hospital.watch(30)
    assert (WARD, "ward-silent", CONTINUE) in hospital.watch(60)


def test_who_joins_a_loss_that_somebody_knows_of_brings_it_back(hospital):
    hospital.watch(25, "bed-4")
    hospital.acknowledge()
    assert hospital.watch(30) == [(WARD, "ward-silent", ESCALATE)]
    alert = hospital.of_phase("escalate")[-1]
    assert (alert.inactivation, alert.evidence.value, alert.priority) == ("enabled", 4, "medium")
    assert hospital.watch(60) == [(WARD, "ward-silent", CONTINUE)]


def test_a_patient_who_is_moved_away_is_told_of_singly_and_the_other_ward_is_not_lost(hospital):
    hospital.watch(20)
    hospital.order("bed-1", "transfer", ward="er")
    assert hospital.watch(2) == [("bed-1", "silent-device", START)]


def test_boards_show_a_lost_ward_while_it_is_lost(hospital):
    def on_the_board():
        record = shown("icu", hospital.wards.wards["icu"])
        return record and json.loads(record)

    assert on_the_board() is None
    hospital.watch(20)
    lost = on_the_board()
    assert (lost["patient"], lost["ward"], lost["values"], lost["pause"]) == (WARD, "icu", {}, None)
    assert lost["seen_ts_ms"] == 610_000
    (alarm,) = lost["alarms"]
    assert (alarm["rule"], alarm["state"], alarm["priority"]) == ("ward-silent", "active", "medium")
    assert alarm["episode"] == hospital.of_phase("start")[0].episode
    hospital.acknowledge()
    assert on_the_board()["alarms"][0]["state"] == "acknowledged"
    hospital.watch(5, *BEDS)
    assert on_the_board() is None


def test_a_ward_that_is_lost_again_at_once_is_another_episode(hospital):
    hospital.watch(20)
    hospital.watch(2, *BEDS)
    assert hospital.watch(20) == [(WARD, "ward-silent", START)]
    hospital.watch(2, *BEDS)
    found = [*hospital.of_phase("start"), *hospital.of_phase("end")]
    assert len({alert.id for alert in found}) == 4
    assert len({alert.episode for alert in found}) == 2


def test_the_alarm_of_a_lost_ward_ends_with_the_last_of_its_patients(hospital):
    hospital.watch(20)
    for name in BEDS:
        hospital.order(name, "discharge")
    assert hospital.watch(6) == [(WARD, "ward-silent", END)]
    assert hospital.of_phase("end")[0].reason.startswith("ward: condition over after ")
    assert hospital.watch(60) == []


def test_counts_that_are_not_said_again_in_time_end_with_the_partitions_that_are_not_judged(hospital):
    hospital.watch(20)
    hospital.now += 31
    hospital.pass_time()
    assert [alert.phase for alert in hospital.alerts.values()] == ["start", "end"]


@pytest.mark.parametrize("saved", [15, 26, 40, 52, 90, 111])
def test_a_restart_of_a_partition_s_worker_in_the_midst_of_it_changes_nothing(hospital, saved):
    hospital.watch(50)
    hospital.acknowledge()
    hospital.watch(50)
    hospital.watch(20, *BEDS)
    for worker, log in zip(hospital.workers, hospital.logs, strict=True):
        broken = worker.__class__(worker.judge.rules, None)
        broken.judge = worker.judge
        broken.restart()
        at = [record.timestamp for record in log].index((610 + saved) * 1000)
        broken.work(log, [(at, "checkpoint", 0), (min(at + 7, len(log)), "restart", 0)])
        assert broken.alerts == worker.alerts
        assert {name: record[9:] for name, record in broken.state().items()} == {
            name: record[9:] for name, record in worker.state().items()
        }
