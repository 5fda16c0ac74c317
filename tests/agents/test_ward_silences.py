"""A partition's part in wards' alarms: when it counts, whom it holds back, and what an answer does at its place."""

from dataclasses import replace

import numpy as np
import pytest
from logs import Record, frame_record, sealed, tick_record
from worker_model import WorkerModel

from agents.judging.reasons import Reason
from clinical.clock import TimeRules
from clinical.defaults import DEFAULT_RULES
from clinical.limits import NEVER
from streams.contracts.command import COMMAND_KEY
from streams.contracts.ward import RULING_KEY

BEDS = ("bed-1", "bed-2", "bed-3")


class Partition:
    """A worker of one partition; times in s, offsets counted up."""

    def __init__(self, rules=DEFAULT_RULES):
        self.worker, self.offset = WorkerModel(rules, TimeRules()), 0
        for bed in BEDS:
            said = {"kind": "admit", "id": bed, "patient": bed, "actor": "clerk", "issued_ts_ms": 0}
            self.take(100, COMMAND_KEY, sealed(COMMAND_KEY, {**said, "ward": "icu"}))
        self.send(100, *BEDS)

    def take(self, at_s, key, value):
        self.offset += 1
        return self.worker.take([Record(self.offset, at_s * 1000, key, value)])

    def send(self, at_s, *beds):
        for bed in beds:
            frame = frame_record(0, patient=bed, seq=at_s, event_ms=at_s * 1000, hr=80)
            self.take(at_s, frame.key, frame.value)

    def tick(self, at_s):
        """Return the count of the ward at a tick, as (patients, silent), and who was told of."""
        record = tick_record(0, at_s * 1000)
        verdict = self.take(at_s, record.key, record.value)
        count = verdict.counts.get("icu")
        return count and (count.patients, count.silent), [h.patient for h in verdict.transitions]

    def rule(self, at_s, lost):
        ruling = {"ward": "icu", "lost": lost, "partition": 0, "offset": 1}
        return self.take(at_s, RULING_KEY, sealed(RULING_KEY, ruling))

    @property
    def held_s(self):
        held = self.worker.table.silence_held_ms[self.worker.table.occupied()]
        return [None if ms == NEVER else ms // 1000 for ms in held.tolist()]


@pytest.fixture
def partition():
    return Partition()


def test_a_quiet_ward_is_counted_every_five_seconds(partition):
    assert [partition.tick(at_s)[0] is not None for at_s in range(101, 113)] == [
        number % 5 == 0 for number in range(12)
    ]


def test_a_silence_waits_five_seconds_and_is_told_singly_then(partition):
    partition.tick(101)
    partition.send(102, "bed-3")
    assert partition.tick(115) == ((3, 2), [])
    assert partition.held_s == [120, 120, None]
    assert partition.tick(119) == ((3, 3), [])
    assert partition.tick(120) == ((1, 1), ["bed-1", "bed-2"])
    assert partition.tick(121)[0] == (1, 1)


def test_an_answer_holds_who_waits_for_thirty_seconds_and_lets_them_go_at_the_end(partition):
    partition.send(102, "bed-3")
    partition.tick(115)
    assert partition.rule(116, lost=True).tally.of(Reason.WARD_SILENT) == 2
    assert partition.held_s == [145, 145, None]
    assert partition.tick(130) == ((3, 3), [])
    assert partition.rule(130, lost=True).tally.of(Reason.WARD_SILENT) == 1  # who waited anew
    assert partition.held_s == [160] * 3
    assert partition.tick(159)[1] == []
    partition.rule(159, lost=False)
    assert partition.tick(160) == (None, list(BEDS))


def test_an_answer_that_is_part_of_a_patient_s_state_already_changes_nothing(partition):
    partition.tick(115)
    partition.worker.table.position[0] = partition.offset + 1
    partition.rule(116, lost=True)
    assert partition.held_s == [120, 145, 145]


def test_another_ward_s_answer_changes_nothing(partition):
    partition.tick(115)
    ruling = {"ward": "er", "lost": True, "partition": 0, "offset": 1}
    partition.take(116, RULING_KEY, sealed(RULING_KEY, ruling))
    assert partition.held_s == [120] * 3


def test_nobody_is_counted_at_a_tick_that_is_part_of_somebody_s_state_already(partition):
    partition.worker.table.ticked_ms[0] = 116_000
    assert partition.tick(115)[0] is None
    assert partition.tick(117)[0] == (3, 3)


def test_who_is_heard_waits_no_more(partition):
    partition.tick(115)
    partition.send(116, *BEDS)
    assert partition.tick(117) == ((3, 0), [])
    assert partition.held_s == [None] * 3


def test_when_nobody_is_left_that_is_counted_too(partition):
    table = partition.worker.table
    for bed in BEDS:
        table.drop(bed)
    verdict = partition.take(120, *(lambda record: (record.key, record.value))(tick_record(0, 120_000)))
    assert (verdict.counted_ms, verdict.counts) == (120_000, {})


def test_rules_without_wards_wait_for_nobody():
    rules = replace(DEFAULT_RULES, technical=replace(DEFAULT_RULES.technical, ward_silent=False))
    partition = Partition(rules)
    assert partition.tick(115) == (None, list(BEDS))
    table = partition.worker.table
    assert not np.any(table.silence_held_ms[table.occupied()] != NEVER)


@pytest.mark.parametrize("forged", [b'{"ward":"icu","lost":true,"partition":0,"offset":1}', b"{}", b""])
def test_an_answer_that_does_not_prove_where_it_comes_from_holds_nobody(partition, forged):
    partition.tick(115)
    partition.take(116, RULING_KEY, forged)
    assert partition.held_s[:3] == [120] * 3
    assert [reject.reason for reject in partition.worker.rejects] == ["unproven-command"]
    assert "~partition/0" in partition.tick(117)[1]


def test_who_has_sent_a_single_frame_counts_in_no_ward(partition):
    frame = frame_record(0, patient="guest", seq=1, event_ms=100_000, hr=80)
    partition.take(100, frame.key, frame.value)
    profile = {"kind": "set-profile", "id": "g", "patient": "guest", "actor": "clerk", "issued_ts_ms": 0}
    partition.take(100, COMMAND_KEY, sealed(COMMAND_KEY, {**profile, "ward": "icu"}))
    assert partition.tick(115) == ((3, 3), [])
    frame = frame_record(0, patient="guest", seq=2, event_ms=116_000, hr=80)
    partition.take(116, frame.key, frame.value)
    assert partition.tick(116)[0] == (4, 3)
