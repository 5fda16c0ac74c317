"""An alarm that somebody knows of: told again when it is worse by a step, and reminded of where lives hang on it."""

import pytest
from test_command_judge import Ward as Ordered

from clinical.rules import LimitRule, News2Rules, RuleSet, Step, TechnicalRules

RULES = RuleSet(
    (
        LimitRule("spo2-low", "spo2", low=90),
        LimitRule("spo2-desat", "spo2", low=80, priority="high"),
        LimitRule("hr-high", "hr", high=120),
        LimitRule("hr-low", "hr", low=50),
        LimitRule("abp-sys-low", "abp_sys", low=90),
        LimitRule("temp-high", "temp", high=39),
        LimitRule("etco2-high", "etco2", high=50, worse_step=2),
        LimitRule("resp-high", "resp", high=30, worse_share=0.1),
    ),
    TechnicalRules(enabled=False),
    News2Rules(enabled=False),
    (Step("nurse", 60),),
)


@pytest.fixture
def ward():
    return Ordered(RULES)


def know(ward, at_s, rule):
    return ward.order(at_s, "acknowledge", episode=ward.episode(rule))


def phases(ward, rule, told):
    return [(phase, inactivation) for one, phase, inactivation in told if one == rule]


def test_an_acknowledged_desaturation_that_falls_by_a_step_is_active_again_and_somebody_is_asked(ward):
    ward.frame(1, spo2=75)
    know(ward, 2, "spo2-desat")
    ward.frame(3, spo2=66)
    assert ward.tick(4) == []
    ward.frame(5, spo2=65)
    assert ward.tick(6) == [("spo2-desat", "escalate", "enabled")]
    told = ward.last()
    assert (told.priority, told.state, told.responsibility.to) == ("high", "active", "nurse")
    assert told.reason == "oxygen saturation: 65 %, worse than the 75 that somebody knows of"
    assert ward.tick(7) == []


@pytest.mark.parametrize(
    ("rule", "known", "not_yet", "worse"),
    [
        ("hr-high", {"hr": 130}, {"hr": 155}, {"hr": 156}),
        ("hr-low", {"hr": 40}, {"hr": 33}, {"hr": 32}),
        ("abp-sys-low", {"abp_sys": 85}, {"abp_sys": 71}, {"abp_sys": 70}),
        ("etco2-high", {"etco2": 55}, {"etco2": 56}, {"etco2": 57}),
        ("resp-high", {"resp": 40}, {"resp": 43}, {"resp": 44}),
    ],
)
def test_the_step_is_the_rule_s_else_the_signal_s(ward, rule, known, not_yet, worse):
    ward.frame(1, **known)
    know(ward, 2, rule)
    ward.frame(3, **not_yet)
    assert ward.tick(4) == []
    ward.frame(5, **worse)
    assert ward.tick(6) == [(rule, "escalate", "enabled")]


def test_a_signal_without_a_step_stays_acknowledged(ward):
    ward.frame(1, temp=39.5)
    know(ward, 2, "temp-high")
    ward.frame(3, temp=42)
    assert ward.tick(4) == []


def test_who_acknowledges_again_knows_the_worse_value(ward):
    ward.frame(1, spo2=75)
    know(ward, 2, "spo2-desat")
    ward.frame(3, spo2=64)
    ward.tick(4)
    know(ward, 5, "spo2-desat")
    ward.frame(6, spo2=56)
    assert ward.tick(7) == []
    ward.frame(8, spo2=54)
    assert ward.tick(9) == [("spo2-desat", "escalate", "enabled")]


def test_a_worker_that_starts_anew_knows_what_was_known(ward):
    ward.frame(1, spo2=75)
    know(ward, 2, "spo2-desat")
    ward.worker.checkpoint()
    ward.worker.restart()
    ward.frame(3, spo2=60)
    assert ward.tick(4) == [("spo2-desat", "escalate", "enabled")]


def test_what_a_more_severe_alarm_tells_of_is_not_told_again_by_the_less_severe_one(ward):
    ward.frame(1, spo2=85)
    know(ward, 2, "spo2-low")
    assert ward.frame(3, spo2=70) == [("spo2-desat", "start", "enabled")]
    assert ward.tick(4) == []
    ward.frame(5, spo2=85)
    assert ward.tick(6) == []


def test_a_desaturation_that_a_pause_covers_breaks_through_when_it_is_worse_by_a_step(ward):
    ward.frame(1, spo2=75)
    ward.order(2, "pause", mode="audio-off", reason="transport")
    ward.frame(3, spo2=66)
    assert ward.tick(4) == []
    ward.frame(5, spo2=60)
    assert ward.tick(6) == [("spo2-desat", "escalate", "enabled")]
    ward.order(7, "resume")
    ward.frame(8, spo2=40)
    assert ward.tick(9) == []


def test_when_the_pause_is_over_nobody_is_taken_to_know_of_what_is_told_aloud_again(ward):
    ward.frame(1, spo2=75)
    ward.order(2, "pause", mode="audio-off", reason="transport")
    ward.order(3, "resume")
    ward.frame(4, spo2=60)
    assert ward.tick(5) == []


def test_an_acknowledged_alarm_is_reminded_of_every_three_minutes_at_high_priority_only(ward):
    ward.frame(1, spo2=75, abp_sys=80)
    know(ward, 2, "spo2-desat")
    know(ward, 3, "abp-sys-low")
    assert ward.tick(181) == []
    assert ward.tick(182) == [("spo2-desat", "continue", "alert-acknowledged")]
    assert ward.last().responsibility is None
    assert ward.tick(361) == []
    assert ward.tick(362) == [("spo2-desat", "continue", "alert-acknowledged")]
    assert ward.frame(363, spo2=95) == [("spo2-desat", "end", "enabled")]
