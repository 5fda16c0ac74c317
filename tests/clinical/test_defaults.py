"""The built-in rules: complete, consistent, and each with a source."""

import re

import pytest

from clinical.compiled_limits import compile_limits
from clinical.defaults import DEFAULT_RULES, PERIODIC_CLEAR_DELAY_S
from clinical.gaps import limit_faults, order_fault
from clinical.rules import AGE_BANDS, DELAY_S_MAX, PRIORITIES
from clinical.vitals import INDEX, SIGNALS

RULES = {rule.id: rule for rule in DEFAULT_RULES.limits}
each_rule = pytest.mark.parametrize("rule", DEFAULT_RULES.limits, ids=lambda rule: rule.id)


REPORTED = ("asystole", "apnoea-reported", "vfib", "vtach", "ext-tachy", "ext-brady", "abp-disconnect")


def test_ids_are_unique_and_the_rules_compile():
    assert len(RULES) == len(DEFAULT_RULES.limits)
    assert compile_limits(DEFAULT_RULES.limits).signal.shape == (len(RULES),)


@each_rule
def test_a_rule_names_one_limit_inside_what_its_sensor_can_report(rule):
    signal = SIGNALS[INDEX[rule.signal]]
    assert (rule.low is None) != (rule.high is None)
    assert signal.low < (rule.high if rule.low is None else rule.low) < signal.high
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", rule.id)
    if rule.id not in REPORTED and rule.id != "apnoea":
        assert rule.id.endswith("-high" if rule.low is None else ("-low", "-desat"))


@each_rule
def test_every_age_band_has_the_rule_on_the_same_side_with_a_source(rule):
    for band in AGE_BANDS:
        own = rule.limits(band)
        assert (own.low is None, own.high is None) == (rule.low is None, rule.high is None), band
        assert own.source, band
        assert own.source.startswith("[M] unconfirmed default") == ("[M]" in own.source), band


@pytest.mark.parametrize("signal", sorted({rule.signal for rule in DEFAULT_RULES.limits}))
def test_the_limits_of_a_signal_keep_the_gap_rules_in_every_age_band(signal):
    rules = [rule for rule in DEFAULT_RULES.limits if rule.signal == signal]
    for band in AGE_BANDS:
        own = [(rule.priority, rule.limits(band)) for rule in rules]
        assert order_fault((priority, limits.low, limits.high) for priority, limits in own) is None, band
        low = max((limits.low for _, limits in own if limits.low is not None), default=None)
        high = min((limits.high for _, limits in own if limits.high is not None), default=None)
        assert list(limit_faults(signal, low, high)) == [], band


@pytest.mark.parametrize(
    ("name", "by_age"),
    [
        ("hr-high", (160, 200, 180, 180, 150, 130, 120)),
        ("hr-low", (75, 100, 90, 90, 80, 60, 50)),
        ("pulse-extreme-high", (180, 220, 200, 200, 170, 150, 140)),
        ("hr-extreme-low", (60, 80, 80, 70, 60, 50, 40)),
        ("spo2-low", (90, 90, 90, 90, 90, 90, 90)),
        ("spo2-desat", (80, 80, 80, 80, 80, 80, 80)),
        ("resp-high", (30, 100, 60, 53, 40, 30, 30)),
        ("resp-extreme-low", (6, 15, 15, 15, 12, 10, 6)),
        ("nbp-sys-low", (70, 60, 70, 70, 76, 90, 90)),
        ("abp-sys-extreme-low", (60, 45, 45, 60, 65, 70, 75)),
        ("abp-mean-high", (90, 70, 75, 85, 90, 100, 110)),
        ("etco2-low", (20, 30, 20, 20, 20, 20, 20)),
    ],
)
def test_children_of_each_age_and_neonates_have_limits_of_their_own(name, by_age):
    limits = compile_limits(DEFAULT_RULES.limits)
    column = [rule.id for rule in limits.rules].index(name)
    side = limits.band_high if RULES[name].low is None else limits.band_low
    assert tuple(side[1:, column]) == by_age


@pytest.mark.parametrize(
    ("age_band", "signal", "normal"),
    [
        # PALS (AHA), normal ranges asleep and awake
        ("neonate", "hr", (100, 200)),
        ("young-infant", "hr", (90, 180)),
        ("infant", "hr", (90, 180)),
        ("young-child", "hr", (80, 140)),
        ("child", "hr", (65, 120)),
        ("adolescent", "hr", (50, 100)),
        ("infant", "resp", (30, 53)),
        ("young-child", "resp", (22, 37)),
        ("child", "resp", (18, 28)),
        ("adolescent", "resp", (12, 20)),
        ("neonate", "nbp_sys", (67, 84)),
        ("infant", "nbp_sys", (72, 104)),
        ("adolescent", "abp_sys", (110, 131)),
    ],
)
def test_what_is_normal_at_an_age_is_no_alarm(age_band, signal, normal):
    for rule in DEFAULT_RULES.limits:
        own = rule.limits(age_band)
        if rule.signal == signal:
            assert own.low is None or own.low <= normal[0]
            assert own.high is None or own.high >= normal[1]


@pytest.mark.parametrize(
    ("age_band", "signal", "value"),
    [
        ("infant", "hr", 58),
        ("infant", "pulse", 58),
        ("paediatric", "hr", 58),
        ("adolescent", "hr", 38),
        ("adult", "pulse", 25),
        ("adult", "pulse", 200),
        ("adult", "resp", 3),
        ("adult", "abp_mean", 39),
        ("adult", "nbp_sys", 69),
    ],
)
def test_what_is_close_to_an_arrest_is_of_high_priority(age_band, signal, value):
    broken = {
        rule.priority
        for rule in DEFAULT_RULES.limits
        if rule.signal == signal
        and (value < (rule.limits(age_band).low or 0) or value > (rule.limits(age_band).high or 999))
    }
    assert broken == {"medium", "high"}


@pytest.mark.parametrize(
    ("age_band", "hypotension"),
    [("neonate", 60), ("infant", 70), ("young-child", 76), ("child", 90), ("adolescent", 90), ("adult", 90)],
)
def test_hypotension_is_told_at_every_age(age_band, hypotension):
    assert (
        RULES["abp-sys-low"].limits(age_band).low == RULES["nbp-sys-low"].limits(age_band).low == hypotension
    )


def test_only_a_pulse_rate_is_told_of_by_another_signal():
    told = {rule.id: rule.told_by for rule in DEFAULT_RULES.limits if rule.told_by}
    assert told == dict.fromkeys(("pulse-high", "pulse-low", "pulse-extreme-high", "pulse-extreme-low"), "hr")


@pytest.mark.parametrize("name", REPORTED)
def test_what_the_device_reports_is_never_delayed(name):
    assert RULES[name].delay_s == 0
    assert RULES[name].priority == "high"


def test_apnoea_is_no_breath_for_twenty_seconds():
    assert (RULES["apnoea"].low, RULES["apnoea"].delay_s, RULES["apnoea"].priority) == (1, 20, "high")


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
    assert (rule.clear_margin > 0) == (rule.id not in REPORTED)


@pytest.mark.parametrize(
    ("name", "low", "high", "delay_s", "priority"),
    [
        ("hr-high", None, 120, 10, "medium"),
        ("hr-low", 50, None, 10, "medium"),
        ("hr-extreme-high", None, 140, 5, "high"),
        ("hr-extreme-low", 40, None, 5, "high"),
        ("pulse-high", None, 120, 10, "medium"),
        ("pulse-extreme-low", 40, None, 5, "high"),
        ("resp-extreme-low", 4, None, 5, "high"),
        ("abp-sys-extreme-low", 70, None, 5, "high"),
        ("abp-mean-extreme-low", 40, None, 5, "high"),
        ("nbp-sys-extreme-low", 70, None, 0, "high"),
        ("nbp-mean-extreme-low", 40, None, 0, "high"),
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
