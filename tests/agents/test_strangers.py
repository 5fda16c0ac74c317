"""A partition has room for so many patients: whom it lets in, what it tells, what it costs."""

import pytest
from logs import frame_record, tick_record
from one_partition import OnePartition
from worker_model import WorkerModel

from clinical.clock import TimeRules
from clinical.lifecycle import PHASE_NAMES, Phase
from clinical.rules import LimitRule, RuleSet

ASYSTOLE = LimitRule("asystole", "asystole", high=0.5, priority="high")
RULES = RuleSet((ASYSTOLE,), responsibility=())
BLOCK = 4_000


class Ward(OnePartition):
    """A worker with room for three patients."""

    def __init__(self):
        super().__init__(WorkerModel(RULES, TimeRules(recorded=True), 60, patients_max=3))

    def take(self, record):
        return [
            (told.patient, self.name(told), PHASE_NAMES[Phase(told.phase)]) for told in super().take(record)
        ]

    def order(self, at_s, kind, patient, **more):
        answer = super().order(at_s, kind, patient, **more)[0]
        return answer.outcome, answer.reason


@pytest.fixture
def full():
    ward = Ward()
    for patient in ("bed-1", "bed-2", "bed-3"):
        ward.frame(1, patient, hr=80)
    return ward


def test_a_patient_too_many_is_refused_and_told_of_and_those_who_are_known_are_judged(full):
    assert full.tick(2) == []
    full.frame(3, "bed-4", asystole=True)
    assert full.verdict.strangers == [full.offset - 1]
    assert "bed-4" not in full.worker.table.row_of
    assert full.tick(4) == [("~partition/0", "too-many-patients", "start")]
    assert full.frame(5, "bed-1", asystole=True) == [("bed-1", "asystole", "start")]
    assert full.tick(64)[-1] == ("~partition/0", "too-many-patients", "continue")


def test_a_partition_s_alarm_can_be_acknowledged(full):
    full.frame(3, "bed-4")
    full.tick(4)
    episode = next(iter(full.worker.alerts.values())).episode
    assert full.order(5, "acknowledge", "~partition/0", episode=episode)[0] == "accepted"
    assert full.verdict.transitions[0].acknowledges
    assert full.tick(64) == []
    with pytest.raises(IndexError):  # no answer: it is another partition's
        full.order(65, "acknowledge", "~partition/1", episode=episode)


def test_there_is_room_again_when_a_patient_is_dropped(full):
    full.frame(3, "bed-4")
    full.tick(4)
    full.frame(50, "bed-1", hr=80)
    full.frame(50, "bed-2", hr=80)
    told = full.tick(62)
    assert "bed-3" in full.worker.dropped
    told += full.tick(63)
    assert ("~partition/0", "too-many-patients", "end") in told
    full.frame(64, "bed-4", hr=80)
    assert full.verdict.strangers == []
    assert "bed-4" in full.worker.table.row_of


def test_an_order_brings_no_patient_too_many(full):
    outcome, reason = full.order(2, "admit", "bed-4")
    assert outcome == "refused"
    assert reason.startswith("too many patients")
    assert full.order(2, "admit", "bed-3")[0] == "accepted"


def test_a_single_frame_is_no_monitored_patient_unless_somebody_has_admitted_them(full):
    assert full.order(2, "admit", "bed-2")[0] == "accepted"
    full.frame(3, "bed-3", hr=80)
    assert full.tick(30) == [(bed, "silent-device", "start") for bed in ("bed-2", "bed-3")]


def test_a_hundred_thousand_invented_patients_of_one_frame_each_cost_a_bounded_memory_and_one_alarm():
    worker = WorkerModel(RULES, TimeRules(recorded=True), 3600)
    offset, letters = 0, 0
    for start in range(0, 100_000, BLOCK):
        names = [f"x-{n}" for n in range(start, start + BLOCK)]
        records = [
            frame_record(offset + i, patient=name, event_ms=1000, hr=80) for i, name in enumerate(names)
        ]
        offset += BLOCK
        letters += len(worker.take(records).strangers)
    for second in range(2, 200, 20):
        worker.take([tick_record(offset, second * 1000)])
        offset += 1
    assert len(worker.table.row_of) == 20_000 + 1  # and the partition's own
    assert letters == 80_000
    assert {alert.rule for alert in worker.alerts.values()} == {"too-many-patients"}
    assert {alert.patient for alert in worker.alerts.values()} == {"~partition/0"}
    assert len(worker.table.patients) <= 32_768  # rows that were ever taken: those behind them take no memory


def test_asystole_in_a_single_frame_alarms():
    ward = Ward()
    assert ward.frame(1, "bed-1", asystole=True) == [("bed-1", "asystole", "start")]
