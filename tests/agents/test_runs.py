"""What the judge of frames reads from the table and writes back: one device's clock, samples and runs."""

import numpy as np
import pytest

from agents.judging.bounded import Said
from agents.judging.runs import alarms_of, follow_clock, keep_alarms, keep_runs, runs_of, take_samples
from clinical.limits import NEVER
from clinical.vitals import ABSENT, COUNT, INDEX
from tables.device_rows import DeviceRows
from tables.patients import PatientTable

HR = INDEX["hr"]
RULES = 2


@pytest.fixture
def devices():
    return DeviceRows(RULES)


def sampled(devices, at, now_ms, rate):
    values = np.full((1, COUNT), ABSENT)
    values[0, HR] = rate
    now = np.array([now_ms])
    return take_samples(devices, np.array([at]), Said(values, None), now, now, np.array([1_000]))


def test_a_reading_is_kept_with_its_time_and_the_one_before_is_returned(devices):
    at = devices.take_row(0, 1)
    sampled(devices, at, 1_000, 80)
    before = sampled(devices, at, 2_000, 90)
    assert (before.value[0, HR], before.newest_ms[0, HR], before.gap_ms[0, HR]) == (80, 1_000, 0)
    assert (devices.value[at, HR], devices.value_ms[at, HR]) == (90, 2_000)


def test_a_missing_reading_keeps_the_last_valid_one_and_says_since_when_it_is_lost(devices):
    at = devices.take_row(0, 1)
    for now_ms, rate in ((1_000, 80), (2_000, np.nan), (3_000, np.nan)):
        sampled(devices, at, now_ms, rate)
    assert (devices.value[at, HR], devices.lost_ms[at, HR]) == (80, 2_000)
    assert sampled(devices, at, 4_000, 85).gap_ms[0, HR] == 3_000
    assert devices.lost_ms[at, HR] == NEVER


def test_a_late_reading_is_not_judged(devices):
    at = devices.take_row(0, 1)
    sampled(devices, at, 2_000, 80)
    assert not sampled(devices, at, 1_000, 200).judged[0, HR]
    assert devices.value[at, HR] == 80


def test_a_clock_that_stepped_back_takes_its_runs_along(devices):
    at = devices.take_row(0, 1)
    devices.now_ms[at], devices.came_ms[at], devices.run_onset_ms[at, 0] = 100_000, 50_000, 90_000
    now, arrival = np.array([40_000]), np.array([51_000])
    follow_clock(devices, np.array([at]), np.array([True]), now, arrival)
    assert devices.run_onset_ms[at].tolist() == [29_000, NEVER]  # 11 s before the frame, as it was
    assert (devices.now_ms[at], devices.came_ms[at]) == (40_000, 51_000)


def test_runs_and_alarms_are_written_back_as_they_were_read(devices):
    at = np.array([devices.take_row(0, 1)])
    devices.run_onset_ms[at, 1], devices.run_excess_ms[at, 1] = 7, 3.0
    runs = runs_of(devices, at)
    devices.run_onset_ms[at], devices.run_excess_ms[at] = NEVER, 0
    keep_runs(devices, at, runs)
    assert (devices.run_onset_ms[at, 1], devices.has_excess[at]) == (7, True)
    table = PatientTable(["a", "b", "c"], RULES)
    rows, rules = table.rows(["bed-1"]), slice(0, RULES)
    table.alarm_onset_ms[rows, 1] = 9
    alarms = alarms_of(table, rows, rules)
    table.alarm_onset_ms[rows] = NEVER
    keep_alarms(table, rows, rules, alarms)
    assert table.alarm_onset_ms[rows].tolist() == [[NEVER, 9, NEVER]]
