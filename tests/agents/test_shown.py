"""What boards are told of alarms and scores: the numbers in force, and nothing that looks calmer than it is."""

import asyncio

import pytest
from board_model import BoardModel
from logs import frame_record, order_record, tick_record
from worker_model import WorkerModel

from agents.board_writer import Board
from agents.shown import Shown
from clinical.clock import TimeRules
from clinical.rules import LimitRule, News2Rules, RuleSet, Step, TechnicalRules
from streams.contracts.topics import PATIENTS

RULES = RuleSet(
    (
        LimitRule("spo2-desat", "spo2", low=80, priority="high", latch=True, worse_step=5),
        LimitRule("hr-high", "hr", high=120, clear_margin=5),
    ),
    TechnicalRules(silent_device_s=15),
    News2Rules(inputs_min=5),
    (Step("nurse", 60), Step("team", 30)),
)
ALL = {"hr": 80, "pulse": 80, "resp": 25, "spo2": 97, "abp_sys": 120, "temp": 37.0, "on_oxygen": False}


class Bed:
    """Record after record into a worker with boards beside it; times in s, in a recording's time base."""

    def __init__(self, rules=RULES):
        self.worker = WorkerModel(rules, TimeRules(recorded=True), 86_400)
        self.model, self.offset = BoardModel(self.worker.judge), 0

    def take(self, *records):
        verdict = self.worker.take(list(records))
        self.offset += len(records)
        shown = self.model.show(self.worker.table, verdict)
        return shown.get((PATIENTS, "bed-1"))

    def frame(self, at_s, **readings):
        return self.take(frame_record(self.offset, at_s * 1000, seq=at_s, event_ms=at_s * 1000, **readings))

    def tick(self, at_s):
        return self.take(tick_record(self.offset, at_s * 1000))

    def order(self, at_s, kind, **said):
        order = {"kind": kind, "id": f"c{self.offset}", "patient": "bed-1", "actor": "nurse-7", **said}
        order["issued_ts_ms"] = at_s * 1000
        return self.take(order_record(self.offset, at_s * 1000, order))


@pytest.fixture
def bed():
    return Bed()


def only(shown):
    (alarm,) = shown["alarms"]
    return alarm


def test_an_open_alarm_has_its_last_and_its_worst_value_with_limits_unit_and_reason(bed):
    bed.frame(1, hr=150)
    bed.frame(2, hr=130)
    alarm = only(bed.tick(3))
    numbers = {name: alarm[name] for name in ("value", "extreme", "low", "high", "unit", "signal", "type")}
    assert numbers == {
        "value": 130,
        "extreme": 150,
        "low": None,
        "high": 120,
        "unit": "/min",
        "signal": "hr",
        "type": "physiological",
    }
    assert alarm["reason"] == "heart rate (ECG) 150 bpm, above 120 for 2 s"


def test_an_alarm_reads_on_boards_as_its_reminder_in_the_alerts(bed):
    bed.frame(0, hr=150)
    said = {}
    for at_s in range(1, 300):
        bed.frame(at_s, hr=140)
        before = set(bed.worker.alerts)
        shown = bed.tick(at_s)
        for alert in (bed.worker.alerts[id_] for id_ in bed.worker.alerts.keys() - before):
            said[at_s] = alert.phase, alert.reason
            assert alert.reason in {alarm["reason"] for alarm in shown["alarms"]}
    assert "continue" in {phase for phase, _ in said.values()}


def test_who_is_asked_and_who_has_acknowledged_is_shown(bed):
    alarm = only(bed.frame(1, spo2=70))
    assert alarm["asked"] == {"step": 1, "to": "nurse", "status": "requested"}
    assert alarm["acknowledged_by"] is None
    alarm = only(bed.order(2, "acknowledge", episode=alarm["episode"]))
    assert (alarm["state"], alarm["acknowledged_by"], alarm["asked"]) == ("acknowledged", "nurse-7", None)
    assert only(bed.tick(5))["acknowledged_by"] == "nurse-7"


def test_an_alarm_that_is_worse_than_was_acknowledged_names_nobody_who_knows_of_it(bed):
    alarm = only(bed.frame(1, spo2=78))
    bed.order(2, "acknowledge", episode=alarm["episode"])
    bed.frame(3, spo2=60)
    alarm = next(one for one in bed.tick(5)["alarms"] if one["rule"] == "spo2-desat")
    assert (alarm["state"], alarm["acknowledged_by"]) == ("active", None)


def test_a_worker_that_took_over_does_not_invent_who_acknowledged(bed):
    alarm = only(bed.frame(1, spo2=70))
    bed.order(2, "acknowledge", episode=alarm["episode"])
    bed.model = BoardModel(bed.worker.judge)
    alarm = only(bed.tick(5))
    assert (alarm["state"], alarm["acknowledged_by"]) == ("acknowledged", None)


def test_who_acknowledged_is_forgotten_with_the_patient(bed):
    alarm = only(bed.frame(1, spo2=70))
    bed.order(2, "acknowledge", episode=alarm["episode"])
    bed.order(3, "discharge")
    assert not bed.model.partition.of(Board).known


def test_a_pause_is_shown_at_the_alarms_that_it_covers(bed):
    bed.frame(1, hr=150)
    shown = bed.order(2, "pause", seconds=60)
    paused = {alarm["rule"]: alarm["paused"] for alarm in shown["alarms"]}
    assert paused == {"hr-high": "audio-paused", "alarms-paused": None}
    (notice,) = (alarm for alarm in shown["alarms"] if alarm["rule"] == "alarms-paused")
    assert "audio-paused" in notice["reason"]


def test_news2_says_what_it_lacks_and_no_level_where_too_little_is_measured(bed):
    bed.frame(1, hr=80, pulse=80)
    score = bed.tick(5)["scores"]["news2"]
    assert (score["total"], score["band"]) == (0, None)
    assert set(score["missing"]) == {"resp", "spo2", "on_oxygen", "sbp", "consciousness", "temp"}
    bed.frame(6, **ALL)
    score = bed.tick(10)["scores"]["news2"]
    assert (score["total"], score["band"], score["missing"]) == (3, "low-medium", ["consciousness"])


def test_a_child_and_who_is_not_measured_have_no_news2(bed):
    bed.frame(1, on_oxygen=None)
    assert bed.tick(5)["scores"] == {}
    bed.frame(6, **ALL)
    bed.order(7, "set-profile", age_band="child")
    shown = bed.tick(10)
    assert (shown["scores"], shown["age_band"]) == ({}, "child")


def test_many_are_encoded_together_as_each_would_be_alone(bed):
    beds = [f"bed-{number}" for number in range(7)]
    bed.take(
        *(
            frame_record(i, 1000, patient=name, device=name, event_ms=1000, **ALL | {"hr": 100 + 10 * i})
            for i, name in enumerate(beds)
        ),
        tick_record(len(beds), 5000),
    )
    shown, table = Shown(bed.worker.judge), bed.worker.table
    alone = [shown.patients(table, [name], {})[0] for name in [*beds, "nobody"]]
    assert shown.patients(table, [*beds, "nobody"], {}) == alone
    assert alone[-1] is None


def test_what_another_worker_owns_by_now_is_forgotten(bed):
    alarm = only(bed.frame(1, spo2=70))
    bed.order(2, "acknowledge", episode=alarm["episode"])
    model, partition = bed.model, bed.model.partition
    assert partition.of(Board).known
    partition.of(Board).states.add("bed-1")
    model.written.clear()
    partition.drop()
    asyncio.run(model.boards.write(partition))
    assert model.written == []
    assert partition.of(Board) == Board()
