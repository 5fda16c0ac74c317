"""What stands must not hide what is new: acknowledged, latched and less severe alarms, and a sensor in doubt."""

import pytest
from test_command_judge import Ward as Ordered
from test_tick_judge import Ward

from agents.judging.reasons import Reason
from clinical.rules import LimitRule, RuleSet, TechnicalRules

LOW = LimitRule("spo2-low", "spo2", low=90, clear_delay_s=5)
DESAT = LimitRule("spo2-desat", "spo2", low=80, delay_s=5, priority="high", latch=True)
PRESSURES = (
    LimitRule("abp-dia-low", "abp_dia", low=50, delay_s=10),
    LimitRule("abp-sys-low", "abp_sys", low=90, delay_s=10),
)
CUFF = LimitRule("nbp-sys-low", "nbp_sys", low=90)


@pytest.fixture
def ward():
    return Ordered(RuleSet((LOW, DESAT, CUFF), TechnicalRules(), responsibility=()))


def know(ward, at_s, rule):
    return ward.order(at_s, "acknowledge", episode=ward.episode(rule))


def only(rule, told):
    return [phase for one, phase, _ in told if one == rule]


def test_a_condition_that_comes_back_after_its_end_is_told_again_though_somebody_knew_of_it(ward):
    ward.frame(1, spo2=85)
    know(ward, 2, "spo2-low")
    for at_s in range(3, 9):
        told = ward.frame(at_s, spo2=95)
    assert only("spo2-low", told) == ["end"]
    assert only("spo2-low", ward.frame(9, spo2=85)) == ["start"]


def test_within_the_clear_delay_it_is_the_same_condition(ward):
    ward.frame(1, spo2=85)
    know(ward, 2, "spo2-low")
    assert ward.frame(3, spo2=95) == ward.frame(7, spo2=85) == []


def test_a_less_severe_alarm_that_somebody_knows_of_does_not_hide_the_more_severe_one(ward):
    ward.frame(1, spo2=85)
    know(ward, 2, "spo2-low")
    ward.frame(3, spo2=75)
    assert only("spo2-desat", ward.frame(8, spo2=75)) == ["start"]


def test_a_latched_alarm_whose_condition_returns_for_one_sample_is_told_of_at_once(ward):
    for at_s in (1, 6):
        ward.frame(at_s, spo2=75)
    assert only("spo2-desat", ward.frame(7, spo2=95)) == ["update"]
    assert only("spo2-desat", ward.frame(60, spo2=75)) == ["update"]
    assert ward.last().state == "active"
    assert only("spo2-desat", ward.frame(61, spo2=95)) == ["update"]
    assert ward.last().state == "latched"


def test_a_latched_alarm_hides_no_less_severe_one(ward):
    for at_s in (1, 6):
        ward.frame(at_s, spo2=75)
    for at_s in range(7, 13):
        ward.frame(at_s, spo2=95)
    assert only("spo2-low", ward.frame(13, spo2=85)) == ["start"]


def test_what_was_not_measured_for_ten_minutes_is_a_new_alarm_though_somebody_knew_of_the_old(ward):
    ward.frame(1, spo2=85)
    know(ward, 2, "spo2-low")
    ward.frame(3, hr=80)
    assert only("spo2-low", ward.tick(600)) == []
    assert only("spo2-low", ward.tick(601)) == ["end"]
    reasons = [alert.reason for alert in ward.worker.alerts.values() if alert.phase == "end"]
    assert "oxygen saturation: not measured any more; whether the condition is over is unknown" in reasons
    assert only("spo2-low", ward.frame(602, spo2=85)) == ["start"]


def test_an_alarm_that_nobody_knows_of_stays_though_it_is_not_measured(ward):
    ward.frame(1, spo2=85)
    assert only("spo2-low", ward.tick(601)) == ["continue"]


def test_a_cuff_s_alarm_waits_for_the_next_measurement_as_long_as_a_reading_counts(ward):
    ward.frame(1, nbp_sys=80)
    know(ward, 2, "nbp-sys-low")
    assert only("nbp-sys-low", ward.tick(3600)) == []
    assert only("nbp-sys-low", ward.tick(3601)) == ["end"]


def test_what_a_pause_withheld_does_not_start_from_a_reading_of_long_ago(ward):
    ward.frame(0, hr=80)
    ward.order(1, "pause", mode="alarm-off", reason="transport")
    ward.frame(2, spo2=85)
    ward.tick(602)
    assert ward.verdict.tally.of(Reason.ENDED_SUPPRESSED) == 1
    assert only("spo2-low", ward.order(603, "resume") + ward.tick(604)) == []


def test_an_alarm_of_one_pressure_does_not_hide_another_that_lasts_as_long_as_its_delay():
    ward = Ward(RuleSet(PRESSURES))
    told = []
    for at_s in range(100, 160):
        told += ward.frame(at_s, abp_dia=45, abp_sys=80 if at_s >= 140 else 100)
    assert [rule for rule, phase, *_ in told if phase == "start"] == ["abp-dia-low", "abp-sys-low"]


def test_a_sensor_in_doubt_hides_nothing_any_more_when_somebody_knows_of_the_doubt():
    ward = Ordered(RuleSet((LimitRule("hr-high", "hr", high=120),), TechnicalRules(), responsibility=()))
    ward.frame(0, hr=110, pulse=80)
    ward.tick(1)
    ward.frame(5, hr=110, pulse=80)
    assert only("check-sensor", ward.tick(6)) == ["start"]
    assert ward.frame(7, hr=130, pulse=80) == []
    know(ward, 8, "check-sensor")
    assert only("hr-high", ward.tick(9)) == ["start"]
