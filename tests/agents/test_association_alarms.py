"""Devices on no patient, devices that leave a stream, and copies that are filed afterwards."""

import json
import random
from dataclasses import replace

import pytest
from departures_log import STREAMS, departure_record, with_departures
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from logs import TTL_S, accidents, frame_record
from moods_log import moody_world, moody_worlds
from one_partition import OnePartition
from random_rules import rule_sets
from test_plain_reference import assert_told_alike, shown_by
from worker_model import WorkerModel

from clinical.clock import TimeRules
from clinical.rules import LimitRule, RuleSet
from streams.contracts.association import LEFT_KEY
from streams.contracts.partitions import partition_of
from streams.contracts.seals import Place, Seals
from streams.decoding.decoder import Decoder

RULES = RuleSet((LimitRule("hr-high", "hr", high=120),), responsibility=())
OWN = "~device/mon-a"


class Partition(OnePartition):
    def __init__(self, ttl_s=3600, partitions=1):
        super().__init__(WorkerModel(RULES, TimeRules(recorded=True), ttl_s, partitions))

    def take(self, record):
        return [(told.patient, self.name(told), told.phase) for told in super().take(record)]

    def second(self, s, patient, hr=80, device="mon-a"):
        return self.frame(s, patient, seq=s, hr=hr, device=device) + self.tick(s)

    def leave(self, s, patient, device="mon-a", from_s=0, until_s=None, withdrawn=False):
        until_ms = None if until_s is None else until_s * 1000
        said = (self.offset, s * 1000, patient, device, from_s * 1000, until_ms, withdrawn)
        return self.take(departure_record(*said))


@pytest.fixture
def ward():
    return Partition()


def test_a_device_on_no_patient_is_told_of_within_thirty_seconds_of_its_first_frame(ward):
    told = {s: ward.second(s, OWN) for s in range(1, 31)}
    assert [(s, one) for s, found in told.items() for one in found] == [(16, (OWN, "unassociated-device", 1))]
    (alert,) = ward.worker.alerts.values()
    assert (alert.priority, alert.type, alert.source.name) == ("medium", "technical", "association")
    assert (
        alert.reason == "device: is on no patient that anybody has named, and is judged by itself, for 15 s"
    )


def test_a_single_frame_on_no_patient_is_told_of_too_while_its_next_is_awaited(ward):
    ward.frame(1, OWN, interval_ms=60_000, hr=80)
    assert [one for s in range(1, 30) for one in ward.tick(s)] == [(OWN, "unassociated-device", 1)]


def test_a_device_on_no_patient_is_judged_under_its_own_name(ward):
    assert ward.second(1, OWN, hr=140) == [(OWN, "hr-high", 1)]


def test_an_alarm_of_a_device_on_no_patient_can_be_acknowledged_and_its_stream_discharged(ward):
    ward.second(1, OWN, hr=140)
    (alert,) = ward.worker.alerts.values()
    assert [a.outcome for a in ward.order(2, "acknowledge", OWN, episode=alert.episode)] == ["accepted"]
    assert [a.outcome for a in ward.order(3, "discharge", OWN)] == ["accepted"]


def test_the_alarm_ends_when_the_stream_ends(ward):
    for s in range(1, 21):
        ward.second(s, OWN)
    told = [one for s in range(21, 60) for one in ward.tick(s)]
    assert (OWN, "unassociated-device", 5) in told


def test_all_of_a_device_s_own_stream_ends_when_it_was_filed_elsewhere(ward):
    for s in range(1, 21):
        ward.second(s, OWN, hr=140)
    assert ward.leave(21, OWN) == [(OWN, "hr-high", 5), (OWN, "unassociated-device", 5)]
    assert shown_by(ward.worker) == {OWN: None}
    assert [one for s in range(21, 100) for one in ward.tick(s)] == []


def test_a_frame_that_comes_again_after_its_device_s_own_stream_has_ended_alarms_nobody(ward):
    first = frame_record(0, 1000, OWN, event_ms=1000, seq=1, hr=140)
    assert ward.take(first) == [(OWN, "hr-high", 1)]
    assert ward.leave(2, OWN) == [(OWN, "hr-high", 5)]
    assert ward.take(replace(first, offset=ward.offset, timestamp=3000)) == []
    assert [one for s in range(3, 40) for one in ward.tick(s)] == []


def test_a_device_that_is_on_nobody_again_is_told_of_again(ward):
    for s in range(1, 21):
        ward.second(s, OWN, hr=80)
    ward.leave(21, OWN)
    told = [one for s in range(30, 50) for one in ward.second(s, OWN, hr=140)]
    assert told == [(OWN, "hr-high", 1), (OWN, "unassociated-device", 1)]


def test_no_alarm_of_a_device_s_own_stream_outlives_it():
    ward = Partition(partitions=next(n for n in range(2, 9) if partition_of(OWN, n) != 0))
    told = [one for s in range(1, 7) for one in ward.second(s, OWN)]
    assert told == [(OWN, "misplaced-patient", 1)]
    assert ward.leave(7, OWN) == [(OWN, "misplaced-patient", 5)]


def test_a_patient_of_more_than_a_day_keeps_orders_when_a_device_is_taken_off_until_the_next_one_comes():
    ward = Partition(ttl_s=60)
    ward.order(0, "admit", "bed-1")
    ward.order(0, "set-limits", "bed-1", rule="hr-high", high=150, reason="as ordered")
    for s in range(1, 100):
        ward.second(s, "bed-1", hr=80)
    ward.leave(100, "bed-1", from_s=100)
    assert ward.tick(101) == []
    assert ward.second(102, "bed-1", hr=140, device="mon-b") == []


def test_a_patient_whose_readings_were_somebody_else_s_is_told_and_loses_their_alarms(ward):
    ward.second(1, "bed-1", hr=140)
    assert ward.leave(2, "bed-1", withdrawn=True) == [("bed-1", "hr-high", 5)]
    assert ward.tick(3) == [("bed-1", "readings-withdrawn", 1)]
    told = [one for s in range(4, 700) for one in ward.tick(s) if one[2] != 2]
    assert told == [("bed-1", "readings-withdrawn", 5)]  # and nothing of a silent device


def test_what_was_somebody_else_s_is_in_no_trend(ward):
    ward.second(31, "bed-1", hr=80)
    table = ward.worker.table
    rows = table.known_rows(["bed-1"])
    assert table.windows.busiest(rows, 1).tolist() == [1]
    ward.leave(32, "bed-1", withdrawn=True)
    assert table.windows.busiest(rows, 1).tolist() == [0]


def test_what_another_device_measures_stands(ward):
    ward.second(1, "bed-1", hr=140, device="mon-a")
    ward.second(1, "bed-1", hr=140, device="mon-b")
    assert ward.leave(2, "bed-1", "mon-a", withdrawn=True) == []
    ward.second(3, "bed-1", hr=140, device="mon-b")
    assert ward.leave(4, "bed-1", "mon-b") == [("bed-1", "hr-high", 5)]


def test_a_device_that_came_back_since_stays(ward):
    ward.second(1, "bed-1", hr=80)
    ward.second(9, "bed-1", hr=140)
    assert ward.leave(10, "bed-1", from_s=1, until_s=5, withdrawn=True) == []
    assert ward.tick(11) == [("bed-1", "readings-withdrawn", 1)]
    assert ward.second(12, "bed-1", hr=80) == [("bed-1", "hr-high", 5)]


def test_a_departure_without_proof_changes_nothing_and_is_told_of(ward):
    ward.second(1, "bed-1", hr=140)
    record = departure_record(ward.offset, 2000, "bed-1", "mon-a", 0)
    content = json.dumps(json.loads(record.value)["content"]).encode()
    forged = Seals([b"guessed" * 5]).seal(LEFT_KEY, Place(0, 0), content)
    assert ward.take(replace(record, value=forged)) == []
    assert ward.worker.rejects[-1].reason == "unproven-command"


def test_a_copy_that_is_filed_afterwards_is_not_judged():
    record = frame_record(0, hr=200)
    copy = replace(record, value=record.value[:-1] + b', "refiled": true}')
    decoded = Decoder().decode([copy])
    assert (decoded.parts, decoded.rejects, decoded.refiled) == ([], [], 1)


STEPS_S = (1, 1, 5, 15, 40)
streams_of_a_ward = moody_worlds(STREAMS, 150, steps_s=STEPS_S)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rules=rule_sets(),
    world=streams_of_a_ward,
    seed=st.integers(0, 2**32 - 1),
    befalls=accidents,
)
@example(  # a frame comes again after its device's own stream has ended
    rules=RuleSet((LimitRule("rule-0", "hr", high=120, delay_s=0, gap_s=0),), responsibility=()),
    world=moody_world(95084, 122, True, STREAMS, steps_s=STEPS_S),
    seed=2525,
    befalls=[],
)
def test_departures_and_copies_are_judged_as_plainly_written(rules, world, seed, befalls):
    time, log = world
    rules = replace(rules, technical=replace(rules.technical, ward_silent=False))
    log = with_departures(random.Random(seed), log)
    assert_told_alike(rules, (time, log), befalls=befalls, ttl_s=TTL_S)
