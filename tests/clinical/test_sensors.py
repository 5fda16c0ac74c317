"""Sensors and devices that are not to be believed."""

import math

import numpy as np
import pytest

from clinical.sensors import CONFLICT_MS, Clock, babbling, conflicting, disagree, doubts, has_clock

NOW = 100_000
SECOND = np.array([1_000])
MEASURED = np.array([False])


@pytest.mark.parametrize(
    ("hr", "pulse", "found"),
    [
        (100, 80, False),  # a fifth of the larger apart, and no more
        (100, 79, True),
        (79, 100, True),
        (130, 80, True),
        (80, 80, False),
        (math.nan, 80, False),
        (80, math.nan, False),
    ],
)
def test_heart_rate_and_pulse_disagree_when_more_than_a_fifth_apart(hr, pulse, found):
    at = np.array([NOW])
    values = np.array([float(hr)]), np.array([float(pulse)])
    assert disagree(*values, at, at, NOW, SECOND, MEASURED).tolist() == [found]


@pytest.mark.parametrize(
    ("hr_ms", "pulse_ms", "found"),
    [(85_000, NOW, True), (84_999, NOW, False), (NOW, 84_999, False), (-1, NOW, False)],
)
def test_a_reading_of_more_than_fifteen_seconds_ago_disagrees_with_nothing(hr_ms, pulse_ms, found):
    values = np.array([130.0]), np.array([80.0])
    assert disagree(*values, np.array([hr_ms]), np.array([pulse_ms]), NOW, SECOND, MEASURED).tolist() == [
        found
    ]


def test_readings_of_a_device_with_a_long_interval_count_for_two_of_them():
    values, at = (np.array([130.0]), np.array([80.0])), np.array([NOW - 60_000])
    assert disagree(*values, at, at, NOW, np.array([30_000]), MEASURED).tolist() == [True]
    assert disagree(*values, at, at, NOW, np.array([29_999]), MEASURED).tolist() == [False]


def test_a_sensor_without_a_reading_contradicts_nothing():
    values, at = (np.array([130.0]), np.array([80.0])), np.array([NOW])
    assert not disagree(*values, at, at, NOW, SECOND, np.array([True])).any()


@pytest.mark.parametrize(
    ("since_s", "age_ms", "lost", "found"),
    [
        (0, 0, False, True),
        (60, 1_500, False, True),  # one interval and a half: the next reading is under way
        (60, 1_501, False, False),
        (60.001, 0, False, False),
        (5, 0, True, False),
    ],
)
def test_a_contradiction_is_doubted_for_a_minute_and_while_both_readings_are_of_now(
    since_s, age_ms, lost, found
):
    since, older = np.array([NOW - round(since_s * 1000)]), np.array([NOW - age_ms])
    assert doubts(since, np.array([NOW]), older, SECOND, np.array([lost])).tolist() == [found]


def test_a_sensor_that_was_never_heard_is_no_reason_to_doubt_the_other():
    at = np.array([NOW])
    assert not doubts(at, at, np.array([-1]), np.array([10**9]), MEASURED).any()


@pytest.mark.parametrize(
    ("last_ms", "before_ms", "found"),
    [
        (-1, -1, False),
        (NOW, -1, False),
        (NOW, NOW, True),
        (NOW, NOW - 1, True),
        (NOW, 0, True),
    ],
)
def test_numbers_conflict_from_the_second_time_on(last_ms, before_ms, found):
    assert conflicting(np.array([last_ms]), np.array([before_ms]), NOW).tolist() == [found]


def test_a_conflict_is_over_ten_minutes_after_the_last_but_one():
    last, before = np.array([NOW]), np.array([NOW - 5])
    assert conflicting(last, before, NOW - 5 + CONFLICT_MS).tolist() == [True]
    assert conflicting(last, before, NOW - 4 + CONFLICT_MS).tolist() == [False]


@pytest.mark.parametrize(
    ("readings", "interval_ms", "found"),
    [
        (30, 1000, False),
        (120, 1000, False),
        (121, 1000, True),
        (59, 30_000, False),
        (60, 30_000, True),
        (1_000, 20, False),
    ],
)
def test_a_device_babbles_above_four_times_its_rate_and_two_readings_a_second(readings, interval_ms, found):
    assert babbling(np.array([readings]), np.array([interval_ms]), 30_000).tolist() == [found]


def clocks(*devices):
    """Return the kinds and times of one patient's devices, each (kind, ms)."""
    return np.array([[kind for kind, _ in devices]], np.uint8), np.array([[ms for _, ms in devices]])


@pytest.mark.parametrize(
    ("devices", "suspect", "backlog"),
    [
        (((Clock.LIVE, NOW), (Clock.LIVE, -1)), False, False),
        (((Clock.SUSPECT, NOW), (Clock.LIVE, NOW)), True, False),
        (((Clock.SUSPECT, NOW - 15_001), (Clock.LIVE, NOW)), False, False),
        (((Clock.HISTORIC, NOW), (Clock.LIVE, -1)), False, True),
        (((Clock.HISTORIC, NOW), (Clock.LIVE, NOW)), False, False),
        (((Clock.HISTORIC, NOW), (Clock.LIVE, NOW - 15_001)), False, True),
        (((Clock.HISTORIC, NOW), (Clock.SUSPECT, NOW)), True, False),
        (((Clock.HISTORIC, NOW - 15_001), (Clock.LIVE, -1)), False, False),
    ],
)
def test_a_clock_is_suspect_while_its_device_is_heard_and_backlog_means_nobody_is_live(
    devices, suspect, backlog
):
    kinds, heard_ms = clocks(*devices)
    age = np.full(heard_ms.shape, 15_000)
    assert has_clock(Clock.SUSPECT, kinds, heard_ms, NOW, age).tolist() == [suspect]
    assert has_clock(Clock.HISTORIC, kinds, heard_ms, NOW, age).tolist() == [backlog]


def test_each_device_is_heard_for_as_long_as_its_own_interval_allows():
    kinds, heard_ms = clocks((Clock.SUSPECT, NOW - 20_000), (Clock.LIVE, NOW))
    assert not has_clock(Clock.SUSPECT, kinds, heard_ms, NOW, np.array([[15_000, 60_000]])).any()
    assert has_clock(Clock.SUSPECT, kinds, heard_ms, NOW, np.array([[60_000, 15_000]])).all()
