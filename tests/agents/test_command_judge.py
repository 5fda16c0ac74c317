"""What commands do to a patient's alarms, limits and profile, and what boards are shown of it."""

import pytest
from board_model import BoardModel
from logs import Record, frame_record, order_record, tick_record
from worker_model import WorkerModel

from agents.judging.judge import Judge
from agents.judging.reasons import Reason
from clinical.clock import TimeRules
from clinical.rules import AgeLimits, LimitRule, News2Rules, RuleSet, Step, TechnicalRules
from streams.contracts.command import COMMAND_KEY
from streams.contracts.topics import LIMITS, PATIENTS

RULES = RuleSet(
    (
        LimitRule("spo2-low", "spo2", low=90, neonate=AgeLimits(low=85)),
        LimitRule("spo2-desat", "spo2", low=80, priority="high", latch=True),
        LimitRule("hr-high", "hr", high=120, clear_margin=5),
    ),
    TechnicalRules(silent_device_s=15),
    News2Rules(inputs_min=7),
    (Step("nurse", 60), Step("team", 30)),
)


class Ward:
    """Record after record into a worker; times in s, in a recording's time base."""

    def __init__(self, rules=RULES):
        self.worker, self.offset, self.orders = WorkerModel(rules, TimeRules(recorded=True), 86_400), 0, 0
        self.verdict = None

    def _take(self, record):
        seen = len(self.worker.transitions)
        self.verdict = self.worker.take([record])
        self.offset += 1
        alerts = list(self.worker.alerts.values())[seen:]
        return [(alert.rule, alert.phase, alert.inactivation) for alert in alerts]

    def frame(self, at_s, **readings):
        return self._take(
            frame_record(self.offset, at_s * 1000, seq=self.offset, event_ms=at_s * 1000, **readings)
        )

    def tick(self, at_s):
        return self._take(tick_record(self.offset, at_s * 1000))

    def order(self, at_s, kind, patient="bed-1", **said):
        self.orders += 1
        value = {"id": f"c{self.orders}", "kind": kind, "patient": patient, "actor": "nurse-7"}
        value |= {"issued_ts_ms": at_s * 1000, **said}
        return self._take(order_record(self.offset, at_s * 1000, value))

    @property
    def answer(self):
        return self.verdict.answers[0].outcome, self.verdict.answers[0].reason

    def episode(self, rule):
        return next(a.episode for a in reversed(self.worker.alerts.values()) if a.rule == rule)

    def last(self):
        return list(self.worker.alerts.values())[-1]


def test_an_acknowledged_alarm_is_not_told_again_and_ends_with_its_condition():
    ward = Ward()
    assert ward.frame(1, hr=130) == [("hr-high", "start", "enabled")]
    told = ward.order(2, "acknowledge", episode=ward.episode("hr-high"))
    assert told == [("hr-high", "update", "alert-acknowledged")]
    assert (ward.last().acknowledged_by, ward.last().command) == ("nurse-7", "c1")
    assert ward.answer == ("accepted", "acknowledge by nurse-7")
    assert ward.verdict.answers[0].alerts == (ward.last().id,)
    assert ward.frame(3, hr=130) == []
    assert [told for told in ward.tick(70) if told[0] == "hr-high"] == []
    assert ward.frame(71, hr=80) == [("hr-high", "end", "enabled")]


def test_an_alarm_that_latches_stays_until_somebody_acknowledges_it():
    ward = Ward()
    ward.frame(1, spo2=75)
    assert ward.frame(2, spo2=95) == [("spo2-desat", "update", "enabled")]
    assert ward.last().state == "latched"
    assert ("spo2-desat", "continue", "enabled") in ward.tick(70)
    assert ward.order(71, "acknowledge", episode=ward.episode("spo2-desat")) == [
        ("spo2-desat", "reset", "enabled")
    ]
    assert ward.last().state == "inactive"
    ward.order(72, "acknowledge", episode=ward.episode("spo2-desat"))
    assert ward.answer[0] == "refused"
    assert "no open alarm" in ward.answer[1]


def test_the_more_severe_alarm_of_a_signal_stands_for_the_other_which_takes_over():
    ward = Ward()
    assert ward.frame(1, spo2=75) == [("spo2-desat", "start", "enabled")]
    assert ward.verdict.tally.of(Reason.LESS_SEVERE) == 1
    told = ward.frame(2, spo2=85)
    assert [one[:2] for one in told] == [("spo2-low", "start"), ("spo2-desat", "update")]


def test_a_pause_withholds_what_begins_and_what_still_holds_starts_when_it_is_over():
    ward = Ward()
    ward.frame(1, hr=80)
    assert ward.order(2, "pause", mode="alarm-paused", seconds=30) == [("alarms-paused", "start", "enabled")]
    assert ward.frame(3, hr=130) == []
    assert ward.verdict.tally.of(Reason.PAUSED) == 1
    assert ward.frame(4, spo2=75) == [("spo2-desat", "start", "enabled")]
    assert ward.tick(31) == []
    told = ward.tick(32)
    assert ("hr-high", "start", "enabled") in told
    assert ("alarms-paused", "end", "enabled") in told


def test_an_audio_pause_tells_all_as_silent_up_to_the_priority_that_it_covers():
    ward = Ward()
    ward.frame(1, hr=130)
    assert ward.order(2, "pause") == [
        ("alarms-paused", "start", "enabled"),
        ("hr-high", "update", "audio-paused"),
    ]
    assert ward.frame(3, spo2=85) == [("spo2-low", "start", "audio-paused")]
    assert ward.frame(4, spo2=75) == [("spo2-desat", "start", "enabled")]
    assert ("hr-high", "update", "enabled") in ward.order(5, "resume")
    ward.order(6, "resume")
    assert ward.answer == ("refused", "nothing is paused")


def test_a_high_alarm_asks_one_step_after_the_other_until_somebody_accepts():
    ward = Ward()
    ward.frame(1, spo2=75)
    assert ward.last().responsibility.model_dump() == {
        "step": 1,
        "to": "nurse",
        "status": "requested",
        "previous": None,
    }
    ward.tick(60)
    assert ("spo2-desat", "update", "enabled") in ward.tick(61)
    asked = next(a for a in reversed(ward.worker.alerts.values()) if a.rule == "spo2-desat")
    assert (asked.responsibility.to, asked.responsibility.previous) == ("team", "undefined")
    assert "no answer of nurse in time, team is asked" in asked.reason
    ward.order(62, "accept", episode=ward.episode("spo2-desat"))
    assert ward.last().responsibility.status == "accepted"
    assert ("spo2-desat", "update", "enabled") not in ward.tick(110)
    ward.order(111, "reject", episode=ward.episode("spo2-desat"))
    assert (ward.last().responsibility.status, ward.last().responsibility.previous) == ("rejected", None)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"rule": "hr-low", "low": 40}, "no limit rule 'hr-low'; known are spo2-low, spo2-desat, hr-high"),
        ({"rule": "hr-high", "low": 40}, "hr-high has no low limit"),
        ({"rule": "spo2-desat", "low": 91}, "spo2-low is 90: raise it first, or both"),
        (
            {"rule": "hr-high", "high": 400},
            "hr-high: high may be at most 160 bpm, got 400; the unit's is 120",
        ),
        ({"rule": "hr-high", "high": 0.5}, "limits of hr: high should be 1 to 350 bpm, got 0.5"),
    ],
)
def test_limits_that_do_not_fit_are_refused_and_change_nothing(said, why):
    ward = Ward()
    ward.frame(1, hr=80)
    ward.order(2, "set-limits", **said)
    assert ward.answer[0] == "refused"
    assert why in ward.answer[1]
    assert not ward.worker.table.own_limits.any()


def test_limits_of_one_s_own_hold_for_this_patient_and_go_back_to_the_rule_s():
    ward = Ward()
    ward.frame(1, hr=80)
    ward.order(2, "set-limits", rule="hr-high", high=140)
    assert ward.frame(3, hr=135) == []
    assert ward.frame(4, hr=141) == [("hr-high", "start", "enabled")]
    assert ward.last().evidence.high == 140
    ward.order(5, "set-limits", rule="hr-high")
    ward.frame(6, hr=100)
    assert ward.frame(7, hr=121) == [("hr-high", "start", "enabled")]


def test_a_neonate_has_the_limits_of_the_age_band():
    ward = Ward()
    ward.order(1, "admit", age_band="neonate", ward="nicu")
    assert ward.answer[0] == "accepted"
    assert ward.frame(2, spo2=87) == []
    assert ward.frame(3, spo2=84) == [("spo2-low", "start", "enabled")]


def test_limits_and_profile_hold_from_the_first_frame_on_though_they_were_ordered_before():
    ward = Ward()
    ward.order(1, "set-limits", rule="hr-high", high=140)
    assert ward.answer == ("accepted", "set-limits by nurse-7, held for the first frame")
    ward.order(2, "set-profile", age_band="neonate", ward="nicu")
    assert ward.tick(60) == [("limits-widened", "start", "enabled")]
    ward.worker.checkpoint()
    ward.worker.restart()
    assert ward.frame(61, hr=135, spo2=87) == []
    assert ward.frame(62, hr=141, spo2=87) == [("hr-high", "start", "enabled")]
    assert ward.worker.table.ward[0] == b"nicu"
    ward.order(63, "admit", age_band="neonate")
    assert ward.answer[0] == "accepted"
    ward.order(64, "admit", age_band="neonate")
    assert ward.answer == ("refused", "already admitted")


def test_an_admission_leaves_the_profile_ordered_before_as_it_is_and_one_after_a_discharge_begins_anew():
    ward = Ward()
    ward.order(1, "set-profile", age_band="neonate", ward="nicu")
    ward.order(2, "admit")
    assert ward.answer[0] == "accepted"
    assert ward.frame(3, spo2=87) == []
    assert ward.worker.table.ward[0] == b"nicu"
    ward.order(4, "discharge")
    ward.order(5, "admit")
    assert ward.frame(6, spo2=87) == [("spo2-low", "start", "enabled")]
    assert ward.worker.table.ward[0] == b""


def test_an_order_for_a_patient_who_does_not_come_is_kept_for_the_time_to_live():
    ward = Ward()
    ward.order(1, "set-limits", rule="hr-high", high=140)
    ward.tick(86_400)
    assert list(ward.worker.store) == ["bed-1"]
    ward.tick(86_401)
    assert list(ward.worker.store) == []
    assert ward.worker.dropped == ["bed-1"]


def test_a_refused_order_for_an_unknown_patient_leaves_nothing_behind():
    ward = Ward()
    ward.worker.table.gone["bed-1"] = 0
    ward.order(0, "set-profile", patient="bed-2")
    for said in ({"rule": "hr-high", "high": 400}, {"rule": "hr-low", "low": 40}):
        ward.order(1, "set-limits", **said)
        assert ward.answer[0] == "refused"
    assert list(ward.worker.store) == ["bed-2"]
    assert ward.worker.table.gone == {"bed-1": 0}
    ward.order(2, "pause")
    assert ward.answer[0] == "refused"
    assert "unknown patient" in ward.answer[1]


def test_a_discharge_ends_all_alarms_and_asks_for_no_more_frames():
    ward = Ward()
    ward.frame(1, hr=130)
    assert ward.order(2, "discharge") == [("hr-high", "end", "enabled")]
    assert "discharged by nurse-7" in ward.last().reason
    assert ward.tick(60) == []
    ward.order(61, "transfer", ward="icu")
    assert ward.answer == ("refused", "the patient is discharged")
    assert ward.frame(62, hr=130) == [("hr-high", "start", "enabled")]


def test_a_command_is_applied_and_answered_once_however_often_it_comes():
    ward = Ward()
    ward.frame(1, hr=80)
    ward.order(2, "pause")
    assert ward._take(Record(ward.offset, 3000, COMMAND_KEY, b"")) == []
    ward.orders = 0
    ward.order(4, "resume")
    assert ward.verdict.answers == []
    assert ward.verdict.tally.of(Reason.REPEATED) == 1


DAY_S = 86_400


def test_an_order_that_comes_again_is_not_applied_though_its_patient_was_known_for_nearly_a_day_by_then():
    ward = Ward()
    ward.order(0, "set-limits", rule="hr-high", high=130)
    paused = {"id": "p1", "mode": "audio-paused", "seconds": 5}
    assert ward.order(DAY_S - 10, "pause", **paused) == [("alarms-paused", "start", "enabled")]
    ward.tick(DAY_S)
    ward.frame(DAY_S + 1, hr=80)
    assert ward.order(DAY_S - 10, "pause", **paused) == []
    assert ward.verdict.answers == []
    assert ward.frame(DAY_S + 2, hr=125) == []  # nor are limits forgotten that were ordered meanwhile


def test_a_patient_is_forgotten_a_day_after_the_last_order():
    ward = Ward()
    ward.order(0, "admit")
    ward.order(DAY_S - 1, "set-limits", rule="hr-high", high=130)
    ward.tick(2 * DAY_S - 2)
    assert "bed-1" in ward.worker.table.row_of
    ward.tick(2 * DAY_S - 1)
    assert "bed-1" not in ward.worker.table.row_of


def test_boards_are_shown_what_has_changed_and_nothing_of_who_was_discharged():
    ward = Ward()
    boards = BoardModel(Judge(RULES, TimeRules(recorded=True), 1))

    def show(late=False):
        sent = boards.show(ward.worker.table, ward.verdict, late=late)
        return sent.get((PATIENTS, "bed-1")), sent.get((LIMITS, "bed-1"))

    ward.frame(1, hr=130)
    patient, limits = show()
    assert [(alarm["rule"], alarm["state"]) for alarm in patient["alarms"]] == [("hr-high", "active")]
    assert patient["values"] == {"hr": {"value": 130, "ts_ms": 1000}}
    assert limits is None
    ward.order(2, "set-limits", rule="hr-high", high=140)
    wider = {"unit_low": None, "unit_high": 120, "wider": True}
    assert show()[1]["limits"]["hr-high"] == {"low": None, "high": 140, "own": True, **wider}
    ward.frame(3, hr=138)
    assert not boards.show(ward.worker.table, ward.verdict)
    ward.tick(4)
    assert [alarm["rule"] for alarm in show(late=True)[0]["alarms"]] == ["hr-high", "limits-widened"]
    ward.tick(5)
    assert show(late=True) == (None, None)
    assert show()[0]["values"]["hr"]["value"] == 138
    ward.order(6, "discharge")
    sent = boards.show(ward.worker.table, ward.verdict)
    assert sent == {(PATIENTS, "bed-1"): None, (LIMITS, "bed-1"): None}
