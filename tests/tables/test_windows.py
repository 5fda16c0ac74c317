"""Windows: mean, lowest, highest and count against a slow reference, for readings in any order."""

from fractions import Fraction
from itertools import pairwise
from math import nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from table_model import enter

from clinical.vitals import ABSENT, COUNT, INDEX
from tables.windows import BUCKET_MS, EMPTY, MINUTES_MAX, SAMPLES_MAX, SLOTS, Windows

T0 = 1_600_000_020_000
PATIENTS = 3
SIGNALS = ("hr", "temp")
MINUTES = (1, 5, 15)
NOTHING = (0, nan, nan, nan)

readings = st.lists(
    st.tuples(
        st.integers(0, PATIENTS - 1),
        st.integers(-5_000, 40_000),  # between the last reading and this one, ms
        st.sampled_from(
            (0, 0, 0, 1_000, 29_000, 31_000, 400_000, 900_000, 2_000_000)
        ),  # how late it comes, ms
        st.sampled_from((None, ABSENT, 1, 60.25, 99.5, 350)),
        st.sampled_from((ABSENT, 36.6, 41.27)),
    ),
    max_size=120,
)


def log_of(drawn, gap_ms=0):
    """Return (patient, time, {signal: reading}) in the order of arrival, with one long gap in the middle."""
    log, now = [], T0
    for i, (patient, step_ms, late_ms, rate, temperature) in enumerate(drawn):
        now = max(T0, now + step_ms) + (gap_ms if i == len(drawn) // 2 else 0)
        log.append((patient, max(0, now - late_ms), {"hr": rate, "temp": temperature}))
    return log


def columns(log):
    values = np.full((len(log), COUNT), ABSENT)
    for i, (_, _, signals) in enumerate(log):
        for name, value in signals.items():
            values[i, INDEX[name]] = np.nan if value is None else value
    rows = np.array([patient for patient, _, _ in log], np.int64)
    return rows, np.array([ms for _, ms, _ in log], np.int64), values


def add(windows, log, cuts=()):
    rows, ts_ms, values = columns(log)
    edges = [0, *sorted(cut % (len(log) + 1) for cut in cuts), len(log)]
    for start, end in pairwise(edges):
        if start < end:
            enter(windows, rows[start:end], ts_ms[start:end], values[start:end])


def plainly(log, patient, signal, now_ms, minutes):
    """Return count, mean, lowest and highest of one window, reading by reading."""
    first = now_ms // BUCKET_MS - minutes * 60_000 // BUCKET_MS
    inside = [
        Fraction(str(signals[signal]))
        for who, ms, signals in log
        if who == patient
        and signals[signal] not in (None, ABSENT)
        and first <= ms // BUCKET_MS <= now_ms // BUCKET_MS
    ]
    if not inside:
        return NOTHING
    return len(inside), float(sum(inside) / len(inside)), float(min(inside)), float(max(inside))


def queried(windows, patient, signal, now_ms, minutes):
    stats = windows.query(np.array([patient]), now_ms, minutes)
    at = 0, INDEX[signal]
    return int(stats.count[at]), *(float(part[at]) for part in (stats.mean, stats.low, stats.high))


def empty(rows):
    """Return windows with so many empty rows."""
    windows = Windows(rows)
    windows.fill(range(rows))
    return windows


@settings(max_examples=150, deadline=None)
@given(
    drawn=readings,
    gap_ms=st.sampled_from((0, 600_000, 5_000_000)),
    cuts=st.lists(st.integers(0, 200), max_size=4),
    later_ms=st.sampled_from((0, 30_000, 250_000, 1_000_000)),
)
def test_a_window_is_what_a_slow_reference_says(drawn, gap_ms, cuts, later_ms):
    log = log_of(drawn, gap_ms)
    windows = empty(PATIENTS)
    add(windows, log, cuts)
    now_ms = max((ms for _, ms, _ in log), default=T0) + later_ms
    for patient in range(PATIENTS):
        for signal in SIGNALS:
            for minutes in MINUTES:
                expected = plainly(log, patient, signal, now_ms, minutes)
                assert queried(windows, patient, signal, now_ms, minutes) == pytest.approx(
                    expected, rel=1e-12, nan_ok=True
                )


@settings(max_examples=50, deadline=None)
@given(drawn=readings, cuts=st.lists(st.integers(0, 200), max_size=6))
def test_cutting_the_log_changes_no_bucket(drawn, cuts):
    whole, cut = empty(PATIENTS), empty(PATIENTS)
    add(whole, log_of(drawn))
    add(cut, log_of(drawn), cuts)
    for name in ("bucket", "count", "sum", "low", "high"):
        assert np.array_equal(getattr(whole, name), getattr(cut, name)), name


def entered(windows, ms, rate, times=1):
    log = [(0, ms, {"hr": rate})] * times
    return enter(windows, *columns(log))


def test_a_window_covers_at_least_its_minutes_and_at_most_one_bucket_more():
    for minutes in MINUTES:
        windows = empty(1)
        for ms in range(T0, T0 + 20 * 60_000, 1000):
            entered(windows, ms, 60)
        count = queried(windows, 0, "hr", T0 + 20 * 60_000 - 1000, minutes)[0]
        assert minutes * 60 <= count <= minutes * 60 + BUCKET_MS // 1000


def test_a_reading_older_than_the_ring_is_not_held_and_disturbs_nothing():
    windows = empty(1)
    entered(windows, T0, 60)
    assert entered(windows, T0 - SLOTS * BUCKET_MS, 200).tolist() == [False]
    assert queried(windows, 0, "hr", T0, 15) == (1, 60, 60, 60)


def test_a_reading_that_comes_late_enters_the_bucket_of_its_own_time():
    windows = empty(1)
    entered(windows, T0, 60)
    assert entered(windows, T0 - 10 * 60_000, 100).tolist() == [True]
    assert queried(windows, 0, "hr", T0, 5) == (1, 60, 60, 60)
    assert queried(windows, 0, "hr", T0, 15) == (2, 80, 60, 100)


def test_a_reading_of_the_future_is_not_in_the_window_of_now():
    windows = empty(1)
    entered(windows, T0, 60)
    entered(windows, T0 + 60_000, 100)
    assert queried(windows, 0, "hr", T0, 5) == (1, 60, 60, 60)


@pytest.mark.parametrize("cut", [1, 7, 40, 100])
def test_a_full_bucket_takes_no_more_and_its_sum_stays_exact(cut):
    windows = empty(1)
    enter(windows, *columns([(0, T0, {"hr": 350})]))
    cell = T0 // BUCKET_MS % SLOTS, INDEX["hr"]
    windows.count[:, 0][cell] = SAMPLES_MAX - 40
    windows.sum[:, 0][cell] = 35_000 * (SAMPLES_MAX - 40)
    for _ in range(0, 100, cut):
        entered(windows, T0, 350, cut)
    assert queried(windows, 0, "hr", T0, 1) == (SAMPLES_MAX, 350, 350, 350)
    assert windows.sum[:, 0][cell] == 35_000 * SAMPLES_MAX


def test_readings_beyond_the_bound_leave_lowest_and_highest_alone():
    windows = empty(1)
    entered(windows, T0, 60)
    windows.count[T0 // BUCKET_MS % SLOTS, 0, INDEX["hr"]] = SAMPLES_MAX
    entered(windows, T0, 300)
    assert queried(windows, 0, "hr", T0, 1)[2:] == (60, 60)


def test_growing_keeps_what_is_there_and_clearing_forgets_it():
    windows = empty(1)
    entered(windows, T0, 60)
    windows.grow(4, 1)
    windows.fill(range(1, 4))
    assert queried(windows, 0, "hr", T0, 1)[0] == 1
    assert queried(windows, 3, "hr", T0, 1)[0] == 0
    windows.clear(0)
    assert queried(windows, 0, "hr", T0, 1)[0] == 0
    assert (windows.bucket[:, 0] == EMPTY).all()
    entered(windows, T0, 80)
    assert queried(windows, 0, "hr", T0, 1) == (1, 80, 80, 80)


@pytest.mark.parametrize("minutes", [0, -1, MINUTES_MAX + 1])
def test_a_window_that_the_ring_does_not_hold_is_refused(minutes):
    with pytest.raises(ValueError, match=f"1 to {MINUTES_MAX} minutes"):
        empty(1).query(np.array([0]), T0, minutes)
