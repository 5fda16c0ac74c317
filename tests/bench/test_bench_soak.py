"""What a soak makes of its samples: a slope that outliers do not bend, and latencies by the minute."""

import math

import numpy as np
import pytest

from bench.soak import SLOPE_BYTES_H_MAX, Soak, by_minute, report, second_half, slope_bytes_h
from bench.suite.arrivals import Plan, planted

HOUR_S = 3600


def samples(growth_bytes_h, after_s=0.0):
    noise = np.random.default_rng(3).normal(0, 200_000, 360)
    at_s = 5.0 * np.arange(360)
    size = 4e8 + growth_bytes_h * np.maximum(at_s - after_s, 0) / HOUR_S + noise
    return list(zip(at_s.tolist(), size.astype(int).tolist(), strict=True))


def test_the_slope_is_the_growth_and_single_jumps_do_not_bend_it():
    seen = samples(50e6)
    assert slope_bytes_h(seen) == pytest.approx(50e6, rel=0.05)
    spoiled = [(at_s, size + (i % 20 == 0) * 10**9) for i, (at_s, size) in enumerate(seen)]
    assert slope_bytes_h(spoiled) == pytest.approx(50e6, rel=0.2)
    assert slope_bytes_h([(float(second), 3 * second) for second in range(5_000)]) == 3 * HOUR_S  # thinned


def test_memory_that_stops_growing_half_way_is_flat_in_the_second_half():
    seen = [(at_s, 4 * 10**8 + int(min(at_s, 800.0) * 10**5)) for at_s, _ in samples(0)]
    assert slope_bytes_h(seen) > SLOPE_BYTES_H_MAX
    assert slope_bytes_h(second_half(seen)) == 0
    assert second_half(seen)[0][0] == pytest.approx(900, abs=5)


@pytest.mark.parametrize(
    ("growth", "latency", "holds"), [(0, 9.0, True), (90e6, 9.0, False), (0, math.inf, False)]
)
def test_a_soak_holds_when_memory_is_flat_and_no_alert_is_missed(growth, latency, holds):
    soak = Soak(samples(growth), [10.0, 70.0, 71.0], [5.0, 6.0, latency], [0.2])
    found = report(soak, 100.0)
    assert found["held"] is holds
    assert [minute["onsets"] for minute in found["minutes"]] == [1, 2]
    assert found["minutes"][0]["p99_ms"] == 5.0
    assert by_minute(soak)[1]["p99_ms"] == latency


def test_parts_of_a_soak_plant_the_same_patients_whose_alarms_all_end():
    one, two = (planted(Plan(500, 20, delayed_one_in=0, onsets_max=200, step=step)) for step in (0, 1))
    assert set(one.rule) == {"planted"}
    assert set(one.patient) == set(two.patient)
    assert not np.array_equal(one.planned_ms, two.planned_ms)
