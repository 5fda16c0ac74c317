"""Limit alarms: onset, delay, clear margin, clear delay, missing readings and other devices, sample by sample."""

import numpy as np
import pytest

from clinical.compiled_limits import compile_limits
from clinical.lifecycle import PHASE_NAMES, Phase, State
from clinical.limits import NEVER, NONE_SUPPRESSED, Alarms, Runs, Samples, step
from clinical.rules import RULES_MAX, LimitRule
from clinical.vitals import ABSENT, COUNT, INDEX

NAN = float("nan")
SPO2_LOW = LimitRule("spo2-low", "spo2", low=90, delay_s=15)
HR_HIGH = LimitRule("hr-high", "hr", high=120)
MARGIN = LimitRule("hr-high", "hr", high=120, clear_margin=5, clear_delay_s=10)
BOTH = LimitRule("hr", "hr", low=50, high=120)
SAW = LimitRule("spo2-low", "spo2", low=90, delay_s=15, excess_s=20)

SECOND_MS = 1000


def fresh(patients, rules):
    """Return the alarms and the runs of patients of whom nothing is known."""
    shape = (patients, rules)
    none, numbers = np.full(shape, np.nan), np.zeros(shape, np.uint8)
    alarms = Alarms(np.zeros(shape, np.uint8), nowhen(shape), nowhen(shape), none, numbers)
    return alarms, Runs(nowhen(shape), nowhen(shape), np.zeros(shape), np.zeros(shape))


def nowhen(shape):
    return np.full(shape, NEVER, np.int64)


def first_samples(values, now_ms, interval_ms=None):
    """Return the first samples of patients; what is not absent is judged."""
    shape = values.shape
    intervals_ms = np.full(shape[0], SECOND_MS) if interval_ms is None else interval_ms
    none = np.full(shape, np.nan), nowhen(shape), np.zeros(shape, np.int64)
    return Samples(values, values != ABSENT, np.asarray(now_ms), intervals_ms, *none)


def rows_of(**signals):
    """Return rows of values, one column of them for each signal, the others absent."""
    values = np.full((len(next(iter(signals.values()))), COUNT), ABSENT)
    for signal, column in signals.items():
        values[:, INDEX[signal]] = column
    return values


class Bed:
    """One patient with one device under some rules, fed sample by sample; times in s."""

    def __init__(self, *rules, interval_ms=SECOND_MS):
        self.limits = compile_limits(rules)
        self.alarms, self.runs = fresh(1, len(rules))
        self.interval_ms = interval_ms
        self.value, self.newest_ms, self.valid_ms, self.lost = {}, {}, {}, set()
        self.last = None

    def sample(self, at_s, value, signal=None, elsewhere=None):
        """Judge one sample; `elsewhere` is whether another device has a run."""
        name, now_ms = signal or self.limits.rules[0].signal, int(at_s * 1000)
        samples = first_samples(rows_of(**{name: [value]}), [now_ms], np.array([self.interval_ms]))
        for known, index in INDEX.items():
            samples.value[0, index] = self.value.get(known, NAN)
            samples.newest_ms[0, index] = self.newest_ms.get(known, NEVER)
            if known in self.lost and known in self.valid_ms:
                samples.gap_ms[0, index] = now_ms - self.valid_ms[known]
        others = None if elsewhere is None else np.full((1, len(self.limits.rules)), elsewhere)
        self.last = step(self.limits, self.alarms, self.runs, samples, np.array([NONE_SUPPRESSED]), others)
        self.alarms, self.runs = self.last.alarms, self.last.runs
        self.newest_ms[name] = now_ms
        if np.isnan(value):
            self.lost.add(name)
        else:
            self.lost.discard(name)
            self.value[name], self.valid_ms[name] = value, now_ms
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


def test_a_missing_reading_pauses_a_run_whose_time_goes_on():
    samples = [(s, 85) for s in range(10)] + [(10, NAN)] + [(s, 85) for s in range(11, 40)]
    assert Bed(SPO2_LOW).phases(samples) == [(15, "start")]


@pytest.mark.parametrize(("again_s", "start_s"), [(10, 15), (11, 26)])
def test_a_run_goes_on_with_a_violating_sample_within_the_gap_and_begins_anew_after_it(again_s, start_s):
    samples = [(0, 85), (5, NAN), *((s, 85) for s in range(again_s, 40))]
    assert Bed(SPO2_LOW).phases(samples) == [(start_s, "start")]


def test_the_gap_is_the_rule_s_own():
    samples = [(0, 85), (1, NAN), *((s, 85) for s in range(4, 40))]
    strict = LimitRule("spo2-low", "spo2", low=90, delay_s=15, gap_s=3)
    assert Bed(strict).phases(samples) == [(19, "start")]
    assert Bed(SPO2_LOW).phases(samples) == [(15, "start")]


def test_a_gap_may_be_two_of_the_device_s_intervals():
    samples = [(0, 85), (7, NAN), (14, 85), (20, 85)]
    assert Bed(SPO2_LOW, interval_ms=7000).phases(samples) == [(20, "start")]
    assert Bed(SPO2_LOW, interval_ms=6999).phases(samples) == []


def test_a_stretch_without_frames_pauses_nothing_because_nothing_was_missing():
    assert Bed(SPO2_LOW).phases([(0, 85), (14, 85), (60, 85)]) == [(60, "start")]


def test_a_valid_sample_inside_ends_a_run_also_after_missing_ones():
    samples = [(0, 85), (1, NAN), (2, 95), (3, NAN), *((s, 85) for s in range(4, 40))]
    assert Bed(SPO2_LOW).phases(samples) == [(19, "start")]


def test_missing_readings_do_not_hold_up_the_clear_delay():
    samples = [(0, 130), (1, 110), (5, NAN), (11, 110)]
    assert Bed(MARGIN).phases(samples) == [(0, "start"), (11, "end")]


def test_a_missing_reading_leaves_a_started_alarm_as_it_is():
    bed = Bed(HR_HIGH)
    assert bed.phases([(0, 130), (1, NAN), (2, NAN), (3, 125)]) == [(0, "start")]
    assert bed.alarms.onset_ms.tolist() == [[0]]


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
    assert bed.alarms.extreme.tolist() == [[140]]
    bed.sample(3, 100)
    assert bed.last.extreme.tolist() == [[140]]
    assert np.isnan(bed.alarms.extreme).all()


def test_after_the_end_nothing_of_the_run_is_left():
    bed = Bed(MARGIN)
    bed.phases([(0, 130), (1, 110), (11, 110)])
    assert bed.last.onset_ms.tolist() == [[0]]
    assert bed.alarms.state.tolist() == [[State.NORMAL]]
    assert (
        bed.alarms.onset_ms.tolist() == bed.runs.onset_ms.tolist() == bed.runs.clear_ms.tolist() == [[NEVER]]
    )
    assert bed.alarms.over_ms.tolist() == [[0]]


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
    limits = compile_limits([HR_HIGH])
    samples = first_samples(rows_of(hr=[200.0]), [0])
    samples.judged[:] = False
    result = step(limits, *fresh(1, 1), samples, np.array([NONE_SUPPRESSED]))
    assert not result.phase.any()
    assert not result.alarms.state.any()


def test_patients_are_judged_apart():
    limits = compile_limits([HR_HIGH, SPO2_LOW])
    samples = first_samples(rows_of(hr=[130, 100, NAN]), [1, 2, 3])
    result = step(limits, *fresh(3, 2), samples, np.full(3, NONE_SUPPRESSED))
    assert result.phase.tolist() == [[Phase.START, 0], [0, 0], [0, 0]]


def test_an_alarm_stands_while_another_device_has_a_run_and_ends_without_one():
    bed = Bed(HR_HIGH)
    assert bed.sample(0, 130, elsewhere=False) == ["start"]
    assert bed.sample(1, 100, elsewhere=True) == [None]
    assert bed.alarms.state.tolist() == [[State.ACTIVE]]
    assert bed.runs.onset_ms.tolist() == [[NEVER]]
    assert bed.sample(2, 100, elsewhere=False) == ["end"]


def test_two_episodes_never_have_the_same_onset():
    bed = Bed(HR_HIGH)
    assert [bed.sample(5, value) for value in (130, 100, 130)] == [["start"], ["end"], ["start"]]
    assert bed.last.onset_ms.tolist() == [[5001]]


def test_a_saw_tooth_is_told_once_it_was_violated_so_much_longer_than_not():
    samples = [(s, 92 if s % 10 == 9 else 85) for s in range(120)]
    assert Bed(SPO2_LOW).phases(samples) == []
    assert Bed(SAW).phases(samples)[0] == (24, "start")


def test_what_is_violated_no_longer_than_not_is_never_told_by_its_excess():
    assert Bed(SAW).phases([(s, 85 if s % 10 < 5 else 95) for s in range(300)]) == []


def test_an_alarm_by_excess_stays_until_nothing_of_the_excess_is_left():
    bed = Bed(SAW)
    bed.phases([(s, 92 if s % 10 == 9 else 85) for s in range(26)])
    found = bed.phases([(s, 95) for s in range(26, 80)])
    assert found == [(46, "end")]


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
    bed = Bed(LimitRule("r", "hr", high=120.0, delay_s=10), interval_ms=round(interval_s * 1000))
    assert (bed.sample(0, 130) == ["start"]) == starts


def test_each_patient_is_judged_by_the_interval_of_its_own_device():
    limits = compile_limits([LimitRule("r", "hr", high=120.0, delay_s=10)])
    samples = first_samples(rows_of(hr=[130, 130]), [0, 0], np.array([60_000, 1_000]))
    found = step(limits, *fresh(2, 1), samples, np.full(2, NONE_SUPPRESSED))
    assert found.phase[:, 0].tolist() == [Phase.START, Phase.NONE]


def test_more_rules_than_the_bound_are_refused():
    with pytest.raises(ValueError, match="at most 64"):
        compile_limits([HR_HIGH] * (RULES_MAX + 1))
