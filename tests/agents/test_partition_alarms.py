"""Patients whose frames lie in another partition than their name belongs into: told of once, and reached by orders."""

import json

import pytest
from logs import frame_record
from one_partition import OnePartition
from worker_model import WorkerModel

from agents.judging.judge import Judge
from agents.judging.reasons import Reason
from clinical.clock import TimeRules
from clinical.rules import LimitRule, RuleSet
from streams.contracts.partition_names import canary_name
from streams.contracts.partitions import partitions_of
from streams.decoding.decoder import Decoder

PARTITIONS = 4
RULES = RuleSet((LimitRule("hr-high", "hr", high=120),), responsibility=())
NAMES = [f"bed-{n}" for n in range(40)]
HOMES = dict(zip(NAMES, partitions_of(NAMES, PARTITIONS).tolist(), strict=True))
AT_HOME = next(name for name, home in HOMES.items() if home == 0)
AWAY = next(name for name, home in HOMES.items() if home == 3)


class Partition(OnePartition):
    """Partition 0 of four."""

    def __init__(self):
        super().__init__(WorkerModel(RULES, TimeRules(recorded=True), 3600, PARTITIONS))

    def take(self, record):
        return [(told.patient, self.name(told)) for told in super().take(record)]

    def frames(self, patient, *seconds, hr=80):
        return [told for second in seconds for told in self.frame(second, patient, seq=second, hr=hr)]

    def order(self, at_s, kind, patient, **said):
        answers = super().order(at_s, kind, patient, **said)
        return [(answer.outcome, answer.monitored) for answer in answers]


@pytest.fixture
def partition():
    return Partition()


def test_a_patient_in_the_wrong_partition_is_told_of_once_and_judged_there(partition):
    assert partition.frames(AWAY, 1, 2) == []
    assert partition.tick(6) == [(AWAY, "misplaced-patient")]
    (alert,) = partition.worker.alerts.values()
    assert (alert.priority, alert.type) == ("medium", "technical")
    assert alert.reason == (
        "patient: in partition 0, where another partitioner than murmur2 put it; the patient belongs into 3"
    )
    assert partition.frames(AWAY, 7, hr=130) == [(AWAY, "hr-high")]
    for second in range(8, 200):
        partition.frames(AWAY, second, hr=130)
        assert (AWAY, "misplaced-patient") not in partition.tick(second)


def test_a_single_frame_in_the_wrong_partition_is_not_told_of_yet(partition):
    partition.frames(AWAY, 1)
    assert partition.tick(100) == []


def test_patients_at_home_and_the_partition_s_canary_are_where_they_belong(partition):
    for name in (AT_HOME, canary_name(0)):
        partition.frames(name, *range(1, 12))
    assert partition.tick(12) == []
    assert partition.worker.table.misplaced == {}


def test_who_is_misplaced_is_known_after_a_restart(partition):
    partition.frames(AWAY, 1, 2)
    partition.worker.checkpoint()
    partition.worker.restart()
    assert partition.worker.table.misplaced == {AWAY: 3}
    assert partition.tick(6) == [(AWAY, "misplaced-patient")]


def test_an_order_is_passed_over_where_the_patient_neither_is_nor_belongs(partition):
    assert partition.order(1, "admit", AWAY) == []
    assert partition.order(1, "acknowledge", AWAY, episode="0" * 16) == []
    assert AWAY not in partition.worker.table.row_of
    assert partition.verdict.tally.of(Reason.ELSEWHERE) == 1


def test_an_order_is_applied_where_the_patient_is(partition):
    partition.frames(AWAY, 1, 2, hr=130)
    assert partition.order(3, "set-limits", AWAY, rule="hr-high", high=140) == [("accepted", True)]
    assert partition.frames(AWAY, 4, hr=130) == [(AWAY, "hr-high")]
    assert not partition.worker.table.misplaced.keys() - {AWAY}


def test_an_order_for_a_patient_without_frames_is_held_where_the_patient_belongs(partition):
    assert partition.order(1, "set-limits", AT_HOME, rule="hr-high", high=140) == [("accepted", False)]
    assert partition.order(1, "acknowledge", "bed-x", episode="0" * 16) in ([], [("refused", False)])
    partition.frames(AT_HOME, 2)
    assert partition.order(3, "set-limits", AT_HOME, rule="hr-high", high=135) == [("accepted", True)]


def test_an_answer_names_the_record_of_its_command(partition):
    partition.order(1, "admit", AT_HOME)
    (answer,) = partition.verdict.answers
    assert (answer.order_partition, answer.order_offset) == (0, partition.offset - 1)
    assert json.loads(answer.model_dump_json())["order_offset"] == partition.offset - 1


def test_with_one_partition_everybody_is_at_home():
    judge = Judge(RULES, TimeRules(recorded=True), 1)
    table = judge.new_table()
    judge.judge(table, Decoder().decode([frame_record(0, patient=name) for name in NAMES]))
    assert table.misplaced == {}
