"""Limit alarms: onset, delay, clear margin, clear delay and missing readings, one sample at a time."""

import numpy as np
import pytest

from clinical.lifecycle import PHASE_NAMES, Phase, State
from clinical.limits import NEVER, NO_COVER, LimitState, step
from clinical.rules import RULES_MAX, LimitRule, compile_limits
from clinical.vitals import ABSENT, COUNT, INDEX

NAN = float("nan")
SPO2_LOW = LimitRule("spo2-low", "spo2", low=90, delay_s=15)
HR_HIGH = LimitRule("hr-high", "hr", high=120)
MARGIN = LimitRule("hr-high", "hr", high=120, clear_margin=5, clear_delay_s=10)
BOTH = LimitRule("hr", "hr", low=50, high=120)

FREE = np.array([NO_COVER])


def fresh(patients, rules):
    shape = (patients, rules)
    return LimitState(
        np.zeros(shape, np.uint8),
        np.full(shape, NEVER, np.int64),
        np.full(shape, NEVER, np.int64),
        np.full(shape, np.nan),
    )


class Bed:
    """One patient under some rules, fed sample by sample; times in s."""

    def __init__(self, *rules):
        self.limits = compile_limits(rules)
        self.state = fresh(1, len(rules))
        self.last = None

    def sample(self, at_s, value, signal=None):
        values = np.full((1, COUNT), ABSENT)
        values[0, INDEX[signal or self.limits.rules[0].signal]] = value
        self.last = step(
            self.limits, self.state, values, values != ABSENT, np.array([int(at_s * 1000)]), FREE
        )
        self.state = self.last.after
        return [PHASE_NAMES.get(Phase(phase)) for phase in self.last.phase[0]]

    def phases(self, samples):
        found = ((at_s, self.sample(at_s, value)[0]) for at_s, value in samples)
        return [(at_s, phase) for at_s, phase in found if phase]


def test_without_a_delay_the_first_violating_sample_starts_the_alarm():
    assert Bed(HR_HIGH).phases([(0, 120), (1, 121), (2, 130), (3, 120)]) == [(1, "start"), (3, "end")]


@pytest.mark.parametrize(("value", "outside"), [(89.99, True), (90, False), (90.01, False)])
def test_a_low_limit_itself_is_inside(value, outside):
    assert bool(Bed(LimitRule("r", "spo2", low=90)).phases([(0, value)])) == outside


@pytest.mark.parametrize(("value", "outside"), [(120.01, True), (120, False), (119.99, False)])
def test_a_high_limit_itself_is_inside(value, outside):
    assert bool(Bed(HR_HIGH).phases([(0, value)])) == outside


def test_the_alarm_starts_at_the_first_violating_sample_that_is_the_delay_after_the_onset():
    assert Bed(SPO2_LOW).phases([(s, 85) for s in range(30)]) == [(15, "start")]
    assert Bed(SPO2_LOW).phases([(0, 85), (14.999, 85), (15.001, 85)]) == [(15.001, "start")]


def test_the_onset_is_the_first_violating_sample_of_the_run():
    bed = Bed(SPO2_LOW)
    bed.phases([(s, 85) for s in range(3, 19)])
    assert bed.last.onset_ms.tolist() == [[3000]]


def test_a_missing_reading_ends_a_run_that_is_not_yet_an_alarm():
    samples = [(s, 85) for s in range(10)] + [(10, NAN)] + [(s, 85) for s in range(11, 40)]
    assert Bed(SPO2_LOW).phases(samples) == [(26, "start")]


def test_a_missing_reading_leaves_a_started_alarm_as_it_is():
    bed = Bed(HR_HIGH)
    assert bed.phases([(0, 130), (1, NAN), (2, NAN), (3, 125)]) == [(0, "start")]
    assert bed.state.onset_ms.tolist() == [[0]]


def test_a_valid_sample_inside_ends_a_run_that_is_not_yet_an_alarm():
    samples = [(s, 85) for s in range(10)] + [(10, 90)] + [(s, 85) for s in range(11, 40)]
    assert Bed(SPO2_LOW).phases(samples) == [(26, "start")]


def test_a_sample_between_limit_and_margin_keeps_alarm_and_run():
    assert Bed(MARGIN).phases([(0, 130), (1, 118), (100, 116)]) == [(0, "start")]
    delayed = LimitRule("r", "hr", high=120, delay_s=10, clear_margin=5)
    assert Bed(delayed).phases([(0, 130), (5, 118), (10, 130)]) == [(10, "start")]


def test_an_alarm_ends_when_its_value_was_inside_for_the_clear_delay():
    assert Bed(MARGIN).phases([(0, 130), (1, 115), (10, 115), (11, 115)]) == [(0, "start"), (11, "end")]


@pytest.mark.parametrize("relapse", [118, 130])
def test_a_sample_that_is_not_inside_begins_the_clear_delay_again(relapse):
    samples = [(0, 130), (1, 110), (9, relapse), (12, 110), (21, 110), (22, 110)]
    assert Bed(MARGIN).phases(samples) == [(0, "start"), (22, "end")]


def test_the_worst_value_of_the_run_is_kept_until_its_end():
    bed = Bed(HR_HIGH)
    bed.phases([(0, 125), (1, 140), (2, 122)])
    assert bed.state.extreme.tolist() == [[140]]
    bed.sample(3, 100)
    assert bed.last.extreme.tolist() == [[140]]
    assert np.isnan(bed.state.extreme).all()


def test_after_the_end_nothing_of_the_run_is_left():
    bed = Bed(MARGIN)
    bed.phases([(0, 130), (1, 110), (11, 110)])
    assert bed.last.onset_ms.tolist() == [[0]]
    assert bed.state.state.tolist() == [[State.NORMAL]]
    assert bed.state.onset_ms.tolist() == bed.state.clear_ms.tolist() == [[NEVER]]


def test_a_rule_with_two_limits_is_one_alarm():
    assert Bed(BOTH).phases([(0, 40), (1, 130), (2, 80)]) == [(0, "start"), (2, "end")]


def test_rules_on_one_signal_do_not_touch_each_other():
    bed = Bed(HR_HIGH, LimitRule("hr-extreme", "hr", high=140, delay_s=5))
    assert [bed.sample(s, 150) for s in range(6)][::5] == [["start", None], [None, "start"]]
    assert bed.sample(6, 130) == [None, "end"]


def test_a_frame_without_the_signal_changes_nothing():
    bed = Bed(SPO2_LOW)
    bed.phases([(s, 85) for s in range(10)])
    assert bed.sample(12, 80, signal="hr") == [None]
    assert bed.phases([(14, 85), (15, 85)]) == [(15, "start")]


def test_a_sample_that_is_not_judged_changes_nothing():
    bed = Bed(HR_HIGH)
    values = np.full((1, COUNT), 200.0)
    result = step(bed.limits, bed.state, values, np.zeros((1, COUNT), bool), np.array([0]), FREE)
    assert not result.phase.any()
    assert not result.after.state.any()


def test_patients_are_judged_apart():
    limits = compile_limits([HR_HIGH, SPO2_LOW])
    values = np.full((3, COUNT), ABSENT)
    values[:, INDEX["hr"]] = 130, 100, NAN
    result = step(limits, fresh(3, 2), values, values != ABSENT, np.array([1, 2, 3]), np.full(3, NO_COVER))
    assert result.phase.tolist() == [[Phase.START, 0], [0, 0], [0, 0]]


def test_the_strictest_limits_of_a_signal_are_the_narrowest_of_its_rules():
    limits = compile_limits([HR_HIGH, BOTH, SPO2_LOW])
    low, high = limits.strictest_low[INDEX["hr"]], limits.strictest_high[INDEX["hr"]]
    assert (low, high) == (BOTH.low, min(HR_HIGH.high, BOTH.high))
    assert limits.strictest_low[INDEX["spo2"]] == SPO2_LOW.low
    assert np.isinf(limits.strictest_high[INDEX["spo2"]])
    assert np.isinf(limits.strictest_low[INDEX["temp"]])


@pytest.mark.parametrize(
    ("interval_s", "starts"),
    [(1, False), (10, False), (10.001, True), (3600, True), (86_399, True), (86_400, False)],
)
def test_a_delay_is_not_waited_for_where_no_sample_will_come_within_it(interval_s, starts):
    limits = compile_limits([LimitRule("r", "hr", high=120.0, delay_s=10)])
    values = np.full((1, COUNT), ABSENT)
    values[0, INDEX["hr"]] = 130
    interval_ms = np.array([round(interval_s * 1000)])
    found = step(limits, fresh(1, 1), values, values != ABSENT, np.array([0]), FREE, None, interval_ms)
    assert (found.phase[0, 0] == Phase.START) == starts


def test_each_patient_is_judged_by_the_interval_of_its_own_device():
    limits = compile_limits([LimitRule("r", "hr", high=120.0, delay_s=10)])
    values = np.full((2, COUNT), ABSENT)
    values[:, INDEX["hr"]] = 130
    intervals_ms = np.array([60_000, 1_000])
    free = np.full(2, NO_COVER)
    found = step(
        limits, fresh(2, 1), values, values != ABSENT, np.zeros(2, np.int64), free, None, intervals_ms
    )
    assert found.phase[:, 0].tolist() == [Phase.START, Phase.NONE]


def test_more_rules_than_the_bound_are_refused():
    with pytest.raises(ValueError, match="at most 64"):
        compile_limits([HR_HIGH] * (RULES_MAX + 1))
