"""The built-in rules: complete, consistent, and each with a source."""

import re

import pytest

from clinical.defaults import DEFAULT_RULES, PERIODIC_CLEAR_DELAY_S
from clinical.rules import DELAY_S_MAX, PRIORITIES, compile_limits
from clinical.vitals import INDEX, SIGNALS

RULES = {rule.id: rule for rule in DEFAULT_RULES.limits}
each_rule = pytest.mark.parametrize("rule", DEFAULT_RULES.limits, ids=lambda rule: rule.id)


def test_ids_are_unique_and_the_rules_compile():
    assert len(RULES) == len(DEFAULT_RULES.limits)
    assert compile_limits(DEFAULT_RULES.limits).signal.shape == (len(RULES),)


@each_rule
def test_a_rule_names_one_limit_inside_what_its_sensor_can_report(rule):
    signal = SIGNALS[INDEX[rule.signal]]
    assert (rule.low is None) != (rule.high is None)
    assert signal.low < (rule.high if rule.low is None else rule.low) < signal.high
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", rule.id)
    assert rule.id.endswith("-high" if rule.low is None else ("-low", "-desat"))


@each_rule
def test_a_rule_says_where_its_limit_comes_from(rule):
    assert rule.source
    assert rule.source.startswith("[M] unconfirmed default") == ("[M]" in rule.source)


@each_rule
def test_a_rule_has_a_bounded_delay_and_a_known_priority(rule):
    assert 0 <= rule.delay_s <= DELAY_S_MAX
    assert rule.priority in PRIORITIES


@each_rule
def test_only_periodic_signals_wait_before_they_alarm_or_clear(rule):
    periodic = SIGNALS[INDEX[rule.signal]].periodic
    assert (rule.delay_s > 0) == periodic
    assert rule.clear_delay_s == (PERIODIC_CLEAR_DELAY_S if periodic else 0)
    assert rule.clear_margin > 0


@pytest.mark.parametrize(
    ("name", "low", "high", "delay_s", "priority"),
    [
        ("hr-high", None, 120, 10, "medium"),
        ("hr-low", 50, None, 10, "medium"),
        ("hr-extreme-high", None, 140, 5, "high"),
        ("hr-extreme-low", 40, None, 5, "high"),
        ("pulse-high", None, 120, 10, "medium"),
        ("spo2-low", 90, None, 15, "medium"),
        ("spo2-desat", 80, None, 5, "high"),
        ("resp-high", None, 30, 15, "medium"),
        ("resp-low", 8, None, 15, "medium"),
        ("nbp-sys-high", None, 160, 0, "medium"),
        ("abp-mean-low", 60, None, 10, "medium"),
        ("temp-high", None, 39, 0, "medium"),
        ("etco2-low", 15, None, 15, "medium"),
    ],
)
def test_the_adult_limits_are_those_of_the_sources(name, low, high, delay_s, priority):
    rule = RULES[name]
    assert (rule.low, rule.high, rule.delay_s, rule.priority) == (low, high, delay_s, priority)


@pytest.mark.parametrize(("deeper", "shallower"), [("spo2-desat", "spo2-low"), ("hr-extreme-low", "hr-low")])
def test_the_deeper_limit_is_the_more_urgent_and_the_quicker_one(deeper, shallower):
    assert RULES[deeper].low < RULES[shallower].low
    assert RULES[deeper].delay_s < RULES[shallower].delay_s
    assert PRIORITIES.index(RULES[deeper].priority) > PRIORITIES.index(RULES[shallower].priority)
