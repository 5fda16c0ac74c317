import math

import numpy as np
import pytest

from bench.suite.alerts_reader import Told
from bench.suite.arrivals import AT_ONCE, Onsets, Plan
from bench.suite.burst import finite
from bench.suite.driver import Driven
from bench.suite.latency import latencies_ms, percentile, recovery_s, slope_ms_s, summarise
from bench.suite.open_loop import Outcome
from bench.suite.sustainable import CLOSE, CONFIRMED, STEPS_MAX, Step, best, held, judge, next_rate

START_MS = 1_000_000


def told(patient, event_ms, append_ms, phase="start", rule=AT_ONCE.id):
    return Told(f"p{patient:06d}", rule, phase, event_ms, START_MS + event_ms, START_MS + append_ms)


def onsets(*pairs):
    patients, moments = np.array(pairs, dtype=np.int64).T
    return Onsets(patients, [AT_ONCE.id] * len(pairs), moments, moments)


def test_latency_runs_from_the_planned_time_to_the_first_append_and_a_missed_alert_is_infinite():
    planted = onsets((1, 100), (1, 500), (2, 100), (3, 100))
    alerts = [
        told(1, 100, 130),
        told(1, 100, 125),  # told again; the first counts
        told(2, 100, 110, phase="end"),
        told(3, 100, 140, rule="another"),
        told(1, 500, 520),
    ]
    assert latencies_ms(planted, START_MS, alerts).tolist() == [25.0, 20.0, math.inf, math.inf]


def test_an_alert_of_a_held_back_frame_counts_from_when_it_was_sent():
    planted = Onsets(np.array([1]), [AT_ONCE.id], np.array([100]), np.array([900]))
    assert latencies_ms(planted, START_MS, [told(1, 100, 930)]).tolist() == [30.0]


def test_percentiles_are_measured_values_and_misses_reach_into_them():
    values = np.array([*range(1, 100), math.inf])
    assert percentile(values, 50) == 50
    assert percentile(values, 99) == 99
    assert percentile(values, 99.9) == math.inf
    summary = summarise(values, np.arange(100) // 10)
    assert (summary.onsets, summary.missed, summary.max_ms) == (100, 1, math.inf)
    assert summary.worst_patient_p99_ms == math.inf
    assert summarise(values[:99], np.arange(99) // 10).worst_patient_p99_ms == 99


def test_infinite_figures_become_null():
    assert finite({"a": [math.inf, 1.0], "b": np.float64(2), "c": "x"}) == {
        "a": [None, 1.0],
        "b": 2.0,
        "c": "x",
    }


def steady_run():
    planned = np.arange(0, 20_000, 10)
    return planned, np.full(len(planned), 10.0) + planned % 7


def test_a_system_that_is_not_disturbed_needs_no_time_to_recover():
    planned, latency = steady_run()
    assert recovery_s(planned, latency, (0, 5_000), (8_000, 20_000)) == 0.0


def test_recovery_is_when_three_quiet_seconds_begin():
    planned, latency = steady_run()
    latency[(planned >= 8_000) & (planned < 9_500)] = 400.0
    assert recovery_s(planned, latency, (0, 5_000), (8_000, 20_000)) == pytest.approx(1.5, abs=0.06)
    latency[(planned >= 12_000) & (planned < 12_100)] = 400.0  # not yet
    assert recovery_s(planned, latency, (0, 5_000), (8_000, 20_000)) == pytest.approx(4.1, abs=0.06)
    latency[(planned >= 18_000) & (planned < 18_100)] = 400.0  # another disturbance
    assert recovery_s(planned, latency, (0, 5_000), (8_000, 20_000)) == pytest.approx(4.1, abs=0.06)


def test_five_milliseconds_more_than_before_are_no_disturbance():
    planned, latency = steady_run()
    latency[planned >= 8_000] += 4.9
    assert recovery_s(planned, latency, (0, 5_000), (8_000, 20_000)) == 0.0


def test_a_system_that_does_not_come_back_has_no_recovery():
    planned, latency = steady_run()
    latency[planned >= 8_000] = math.inf
    assert recovery_s(planned, latency, (0, 5_000), (8_000, 20_000)) == math.inf


def test_growing_latency_has_a_slope_and_noise_has_none():
    planned = np.arange(0, 10_000, 10)
    noise = np.random.default_rng(1).exponential(20, len(planned))
    assert abs(slope_ms_s(planned, noise)) < 2
    assert slope_ms_s(planned, noise + planned * 0.05) == pytest.approx(50, abs=2)
    assert slope_ms_s(planned, np.where(planned > 9_000, math.inf, noise)) == math.inf


@pytest.mark.parametrize("limit", [300.0, 5_000.0, 9_000.0, 60_000.0])
def test_the_search_closes_in_on_what_a_system_sustains(limit):
    tried = []
    while (rate := next_rate(tried, 8_000.0)) is not None:
        tried.append((rate, rate <= limit))
    found = held(tried)
    assert len(tried) <= STEPS_MAX
    if 5_000 <= limit <= 9_000:
        assert limit / found < CLOSE * 1.1
        assert tried.count((found, True)) == CONFIRMED


def test_a_rate_that_is_not_held_again_gives_way_to_a_lower_one():
    outcomes = {8_000.0: [True, False]}
    tried = []
    while (rate := next_rate(tried, 8_000.0)) is not None:
        again = outcomes.get(rate, [])
        tried.append((rate, again.pop(0) if again else rate < 8_000))
    assert held(tried) is not None
    assert held(tried) < 8_000
    assert held([(8_000.0, False)]) is None


def test_a_rate_at_which_the_driver_was_late_once_is_tried_again_and_does_not_bound_the_search():
    def step(rate_hz, sustained, void=False):
        return Step(rate_hz, sustained, 0.0, 9.0, 0, void)

    assert best([step(100.0, False, void=True), step(100.0, True), step(100.0, True)]) == 100.0
    assert best([step(80.0, True), step(100.0, False, void=True), step(100.0, False, void=True)]) == 80.0
    assert best([step(80.0, True), step(90.0, False, void=True), step(90.0, False)]) == 80.0


@pytest.mark.parametrize(
    ("latency", "sustained"),
    [(lambda ms: 40 + 0 * ms, True), (lambda ms: 40 + 0.1 * ms, False), (lambda ms: 20 + 0.022 * ms, True)],
)
def test_a_rate_is_sustained_while_no_backlog_grows_that_one_would_notice(latency, sustained):
    planned = np.arange(0, 10_000, 10)
    found = onsets(*((1, ms) for ms in planned))
    driven = Driven(0, 1, 1, {"p99": 0.1}, {}, 1.0, 10.0, "nice 0")
    outcome = Outcome(Plan(100.0, 10.0), found, driven, latency(planned.astype(float)), 1.0, 1, 0)
    assert judge(outcome).sustained is sustained
    outcome.latency_ms[-1] = math.inf
    assert not judge(outcome).sustained
