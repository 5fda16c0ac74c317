"""Orders on limits: how far they go, when they need a reason, and what tells of limits wider than the unit's."""

import pytest
from board_model import BoardModel
from test_command_judge import Ward as Ordered

from agents.judging.judge import Judge
from clinical.clock import TimeRules
from clinical.defaults import DEFAULT_RULES
from clinical.rules import AgeLimits, LimitRule, News2Rules, RuleSet, TechnicalRules
from streams.contracts.topics import LIMITS, PATIENTS

BOUNDED = LimitRule(
    "hr-high",
    "hr",
    high=120,
    high_max=130,
    neonate=AgeLimits(high=200),
    paediatric=AgeLimits(high=160, high_max=162),
)
RULES = RuleSet(
    (
        BOUNDED,
        LimitRule("spo2-low", "spo2", low=90),
        LimitRule("spo2-desat", "spo2", low=80, priority="high"),
        LimitRule("asystole", "asystole", high=0.5, priority="high"),
        LimitRule("fio2-high", "fio2", high=60),
    ),
    TechnicalRules(enabled=False),
    News2Rules(enabled=False),
)


@pytest.fixture
def ward():
    ward = Ordered(RULES)
    ward.frame(1, hr=80)
    return ward


def ordered(ward, at_s, rule, **said):
    ward.order(at_s, "set-limits", rule=rule, **said)
    return ward.answer


@pytest.mark.parametrize("rule", ["asystole", "apnoea-reported"])
def test_what_a_device_reports_has_no_limit_to_set(rule):
    ward = Ordered(DEFAULT_RULES)
    assert ordered(ward, 1, rule, high=1, reason="false alarms") == (
        "refused",
        f"{rule} is yes or no: there is no limit to set",
    )


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("apnoea", {"low": 0.1}),
        ("spo2-desat", {"low": 2}),
        ("spo2-low", {"low": 4}),
        ("hr-extreme-high", {"high": 349}),
        ("abp-sys-low", {"low": 10}),
    ],
)
def test_no_order_puts_a_limit_where_it_never_alarms_whatever_the_reason(rule, said):
    ward = Ordered(DEFAULT_RULES)
    outcome, reason = ordered(ward, 1, rule, **said, reason="false alarms")
    assert outcome == "refused"
    assert "the unit's is" in reason


def test_the_bound_is_the_rule_s_and_in_other_age_bands_as_far_from_their_limit(ward):
    for band, bound in (("adult", 130), ("neonate", 210), ("child", 162)):
        ward.order(2, "set-profile", age_band=band)
        assert ordered(ward, 3, "hr-high", high=bound + 1, reason="as ordered")[0] == "refused"
        assert ordered(ward, 3, "hr-high", high=bound, reason="as ordered")[0] == "accepted"
        ordered(ward, 3, "hr-high")


def test_past_half_the_way_to_the_bound_an_order_needs_a_reason(ward):
    assert ordered(ward, 2, "spo2-low", low=85)[0] == "accepted"
    assert ordered(ward, 3, "spo2-low", low=84) == (
        "refused",
        "spo2-low: low 84 is more than half the way from the unit's 90 to the bound 80: it needs a reason",
    )
    assert ordered(ward, 4, "spo2-low", low=84, reason="COPD")[0] == "accepted"
    assert ordered(ward, 5, "spo2-low", low=79, reason="COPD") == (
        "refused",
        "spo2-low: low may be at least 80 %, got 79; the unit's is 90",
    )


def test_a_signal_without_a_bound_reaches_half_the_way_to_its_end(ward):
    assert ordered(ward, 2, "fio2-high", high=81, reason="as ordered")[0] == "refused"
    assert ordered(ward, 3, "fio2-high", high=80, reason="as ordered")[0] == "accepted"


def test_tighter_limits_need_no_reason_and_nothing_tells_of_them(ward):
    assert ordered(ward, 2, "spo2-low", low=95)[0] == "accepted"
    assert ward.tick(10) == []


def test_the_refusal_names_the_limit_that_is_in_the_way_and_what_to_do():
    ward = Ordered(DEFAULT_RULES)
    assert (
        ordered(ward, 1, "hr-high", high=150, reason="r")[1]
        == "hr-extreme-high is 140: raise it first, or both"
    )
    assert ordered(ward, 2, "hr-extreme-high", high=110)[1] == "hr-high is 120: lower it first, or both"
    assert ordered(ward, 3, "spo2-low", low=79.5, reason="r")[0] == "refused"
    assert (
        ordered(ward, 4, "hr-low", low=36, reason="r")[1] == "hr-extreme-low is 40: lower it first, or both"
    )
    assert ordered(ward, 5, "hr-extreme-high", high=160)[0] == "accepted"
    assert ordered(ward, 6, "hr-high", high=150, reason="r")[0] == "accepted"
    assert ordered(ward, 7, "hr-extreme-high")[1] == "hr-high is 150: lower it first, or both"


def test_an_advisory_alarm_stands_while_limits_are_wider_than_the_unit_s(ward):
    ordered(ward, 2, "hr-high", high=125)
    assert ward.tick(5) == [("limits-widened", "start", "enabled")]
    alert = ward.last()
    assert (alert.type, alert.priority, alert.source.name) == ("advisory", "low", "limits")
    assert alert.reason == "limits wider than the unit's: hr-high 125 instead of 120"
    ordered(ward, 6, "spo2-low", low=88)
    assert ward.tick(10) == [("limits-widened", "update", "enabled")]
    assert ward.last().reason.endswith("hr-high 125 instead of 120, spo2-low 88 instead of 90")
    assert ward.tick(70) == [("limits-widened", "continue", "enabled")]
    assert ward.last().reason.endswith("hr-high 125 instead of 120, spo2-low 88 instead of 90")
    ordered(ward, 71, "hr-high")
    assert ward.tick(75) == [("limits-widened", "update", "enabled")]
    ordered(ward, 76, "spo2-low", low=95)
    assert ward.tick(80) == [("limits-widened", "end", "enabled")]


def test_who_acknowledges_wide_limits_is_told_again_when_they_are_wider(ward):
    ordered(ward, 2, "spo2-low", low=88)
    ward.tick(5)
    ward.order(6, "acknowledge", episode=ward.episode("limits-widened"))
    assert ward.answer[0] == "accepted"
    assert ward.tick(200) == []
    ordered(ward, 201, "spo2-low", low=86)
    assert ward.tick(205) == [("limits-widened", "escalate", "enabled")]


def test_a_pause_does_not_hide_that_limits_are_wide(ward):
    ward.order(2, "pause", mode="alarm-off", reason="transport")
    ordered(ward, 3, "spo2-low", low=88)
    assert ward.tick(5) == [("limits-widened", "start", "enabled")]


def test_a_discharge_brings_back_the_unit_s_limits(ward):
    ordered(ward, 2, "spo2-low", low=85)
    ward.tick(5)
    assert ward.order(6, "discharge") == [("limits-widened", "end", "enabled")]
    ward.order(7, "admit")
    assert ward.tick(10) == []
    assert ward.frame(11, spo2=89) == [("spo2-low", "start", "enabled")]


def test_a_profile_under_which_own_limits_would_be_too_wide_is_refused(ward):
    ward.order(2, "set-profile", age_band="neonate")
    ordered(ward, 3, "hr-high", high=205, reason="as ordered")
    ward.order(4, "set-profile", age_band="adult")
    assert ward.answer == ("refused", "hr-high: high may be at most 130 bpm, got 205; the unit's is 120")


def test_limits_set_under_older_rules_hold_as_far_as_the_bounds_of_these(ward):
    table, row = ward.worker.table, ward.worker.table.row_of["bed-1"]
    columns = {rule.id: column for column, rule in enumerate(RULES.limits)}
    table.alarm_high[row, columns["asystole"]], table.alarm_low[row, columns["spo2-desat"]] = 1, 2
    table.own_limits[row] = True
    assert ward.frame(2, asystole=True, spo2=69) == [
        ("spo2-desat", "start", "enabled"),
        ("asystole", "start", "enabled"),
    ]
    assert ward.tick(5) == [("limits-widened", "start", "enabled")]


def test_boards_say_which_limits_are_wider_than_the_unit_s(ward):
    boards = BoardModel(Judge(RULES, TimeRules(recorded=True), 1))
    ordered(ward, 2, "hr-high", high=125)
    sent = boards.show(ward.worker.table, ward.verdict)
    assert sent[PATIENTS, "bed-1"]["limits_widened"] == ["hr-high"]
    found = sent[LIMITS, "bed-1"]["limits"]
    assert found["hr-high"] == {
        "low": None,
        "high": 125,
        "own": True,
        "unit_low": None,
        "unit_high": 120,
        "wider": True,
    }
    assert not found["spo2-low"]["wider"]
    ordered(ward, 3, "hr-high", high=110)
    assert boards.show(ward.worker.table, ward.verdict)[PATIENTS, "bed-1"]["limits_widened"] == []
