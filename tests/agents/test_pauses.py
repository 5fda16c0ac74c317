"""What a pause covers and what breaks through it: nobody switches lethal alarms off by accident."""

import pytest
from test_command_judge import Ward as Ordered

from clinical.limits import NEVER
from clinical.rules import LimitRule, News2Rules, PauseRules, RuleSet, Step, TechnicalRules

RULES = RuleSet(
    (
        LimitRule("hr-high", "hr", high=120),
        LimitRule("hr-extreme-high", "hr", high=140, priority="high"),
        LimitRule("spo2-low", "spo2", low=90),
        LimitRule("spo2-desat", "spo2", low=80, priority="high", latch=True),
        LimitRule("no-breath", "resp", low=1, priority="medium", never_withheld=True),
        LimitRule("asystole", "asystole", high=0.5, priority="high"),
        LimitRule("standstill", "asystole", high=0.5, priority="low"),
    ),
    TechnicalRules(enabled=False),
    News2Rules(inputs_min=1, delay_s=0),
    (Step("nurse", 60),),
    pauses=PauseRules(off_s_max=600),
)
OFF = {"mode": "alarm-off", "reason": "transport"}
WELL = {"resp": 16, "abp_sys": 120, "temp": 37.0, "consciousness": "A", "on_oxygen": False}


@pytest.fixture
def ward():
    return Ordered(RULES)


def only(rule, told):
    return [(phase, inactivation) for one, phase, inactivation in told if one == rule]


def reasons(ward, rule):
    return [alert.reason for alert in ward.worker.alerts.values() if alert.rule == rule]


def test_what_starts_at_high_breaks_through_whatever_was_open_when_alarms_went_off(ward):
    ward.frame(1, hr=150)
    ward.order(2, "pause", **OFF)
    assert only("asystole", ward.frame(3, asystole=True)) == [("start", "enabled")]
    assert only("spo2-desat", ward.frame(4, spo2=60)) == [("start", "enabled")]
    assert ward.frame(5, spo2=60, hr=150) == []


def test_the_high_episode_that_was_open_is_silent_until_it_ends_and_one_that_starts_anew_is_not(ward):
    ward.frame(1, hr=150)
    assert only("hr-extreme-high", ward.order(2, "pause", **OFF)) == [("update", "alarm-off")]
    assert only("hr-extreme-high", ward.tick(62)) == [("continue", "alarm-off")]
    assert only("hr-extreme-high", ward.frame(63, hr=130)) == [("end", "alarm-off")]
    assert only("hr-extreme-high", ward.frame(64, hr=150)) == [("start", "enabled")]


def test_a_worker_that_starts_anew_knows_which_episodes_the_pause_covers(ward):
    ward.frame(1, hr=150)
    ward.order(2, "pause", **OFF)
    ward.frame(3, spo2=60)
    ward.worker.checkpoint()
    ward.worker.restart()
    told = ward.tick(64)
    assert only("hr-extreme-high", told) == [("continue", "alarm-off")]
    assert only("spo2-desat", told)[0] == ("update", "enabled")


@pytest.mark.parametrize(
    ("rule", "readings"), [("no-breath", {"resp": 0}), ("standstill", {"asystole": True})]
)
def test_what_is_never_withheld_begins_and_is_told_aloud_whatever_its_priority(ward, rule, readings):
    rules = RuleSet(tuple(each for each in RULES.limits if each.id == rule), RULES.technical, RULES.news2)
    for mode in ("alarm-off", "audio-off"):
        ward = Ordered(rules)
        ward.frame(1, hr=80)
        ward.order(2, "pause", mode=mode, reason="transport")
        assert only(rule, ward.frame(3, **readings)) == [("start", "enabled")]
        ward.order(4, "pause", mode=mode, reason="I have heard it")
        assert ward.last().inactivation == mode


def test_up_to_medium_nothing_begins_and_it_starts_when_the_pause_is_over(ward):
    ward.frame(1, hr=80)
    ward.order(2, "pause", **OFF)
    assert ward.frame(3, hr=130, spo2=85) == []
    told = ward.order(4, "resume") + ward.tick(5)
    assert {rule for rule, phase, _ in told if phase == "start"} >= {"hr-high", "spo2-low"}


def test_a_score_that_rises_to_high_breaks_through_though_it_was_open(ward):
    ward.frame(1, **WELL | {"consciousness": "V", "abp_sys": 95})
    assert only("news2", ward.tick(5)) == [("start", "enabled")]
    assert ward.last().priority == "medium"
    ward.order(6, "pause", **OFF)
    ward.frame(7, **WELL | {"consciousness": "V", "abp_sys": 80, "resp": 22})
    assert only("news2", ward.tick(10)) == [("escalate", "enabled")]
    assert ward.last().priority == "high"


def test_a_high_score_that_was_open_falls_silently_and_rises_aloud(ward):
    ward.frame(1, **WELL | {"consciousness": "V", "abp_sys": 80, "resp": 22})
    ward.tick(5)
    ward.order(6, "pause", **OFF)
    ward.frame(7, **WELL | {"consciousness": "V", "abp_sys": 95})
    assert only("news2", ward.tick(10)) == [("deescalate", "alarm-off")]
    ward.frame(11, **WELL | {"consciousness": "V", "abp_sys": 80, "resp": 22})
    assert only("news2", ward.tick(15)) == [("escalate", "enabled")]


def test_a_latched_alarm_stays_silent_until_its_condition_returns(ward):
    ward.frame(1, spo2=70)
    ward.order(2, "pause", **OFF)
    assert only("spo2-desat", ward.frame(3, spo2=95)) == [("update", "alarm-off")]
    assert only("spo2-desat", ward.tick(64)) == [("continue", "alarm-off")]
    assert only("spo2-desat", ward.frame(65, spo2=70)) == [("update", "enabled")]


def test_another_pause_covers_what_broke_through_the_first(ward):
    ward.frame(1, hr=80)
    ward.order(2, "pause", **OFF)
    ward.frame(3, hr=150)
    told = ward.order(4, "pause", mode="audio-paused", seconds=30)
    assert only("hr-extreme-high", told) == [("update", "audio-paused")]
    assert only("alarms-paused", told) == [("deescalate", "enabled")]
    assert only("alarms-paused", ward.order(5, "pause", **OFF)) == [("escalate", "enabled")]
    assert only("alarms-paused", ward.order(6, "pause", **OFF)) == [("update", "enabled")]


def test_nobody_is_asked_about_what_a_pause_covers_but_about_what_breaks_through(ward):
    ward.frame(1, hr=150)
    ward.order(2, "pause", **OFF)
    ward.frame(10, spo2=60)
    told = ward.tick(70)
    assert only("hr-extreme-high", told) == [("continue", "alarm-off")]
    assert ("update", "enabled") in only("spo2-desat", told)


def test_alarms_that_are_off_are_reminded_of_at_medium_with_who_how_long_and_what_is_held_back(ward):
    ward.frame(1, hr=150)
    ward.order(2, "pause", **OFF)
    assert ward.worker.alerts[f"{ward.episode('alarms-paused')}-0"].priority == "medium"
    ward.frame(3, spo2=85)
    assert only("alarms-paused", ward.tick(62)) == [("continue", "enabled")]
    reminder = next(a for a in reversed(ward.worker.alerts.values()) if a.rule == "alarms-paused")
    assert reminder.priority == "medium"
    assert reminder.reason == "alarms: alarm-off by nurse-7 for 60 s; alarms withheld: 2, silent: 1"


def test_alarms_that_are_off_come_back_by_themselves_after_the_time_of_the_rules(ward):
    ward.frame(1, hr=150)
    ward.order(2, "pause", mode="audio-off", reason="transport")
    assert ward.last().reason.endswith("audio-off by nurse-7 for 600 s")
    assert only("alarms-paused", ward.tick(601)) == [("continue", "enabled")]
    told = ward.tick(602)
    assert only("alarms-paused", told) == [("end", "enabled")]
    assert only("hr-extreme-high", told)[0] == ("update", "enabled")


def test_a_pause_without_an_end_in_an_older_record_ends_all_the_same(ward):
    ward.frame(1, hr=80)
    ward.order(2, "pause", **OFF)
    ward.worker.table.pause_until_ms[:] = NEVER  # as version 2 kept it
    assert only("alarms-paused", ward.tick(601)) == [("continue", "enabled")]
    assert only("alarms-paused", ward.tick(602)) == [("end", "enabled")]
