"""Data that stop coming, of one device and of several: silence, losses, what is unmeasured or unreliable."""

import numpy as np
import pytest

from clinical.limits import NEVER
from clinical.losses import (
    DETACHED_MS,
    UNSCORED_MS,
    Counted,
    Measured,
    loss_ms_max,
    lost_since,
    silence_ms_max,
    silent_since,
    unmeasured,
    unreliable,
    unscored_ms_max,
)
from clinical.rules import TechnicalRules

RULES = TechnicalRules()
SPOT_MS = 3_600_000
"""Interval of a spot check."""


def intervals(*interval_ms):
    return np.array(interval_ms, np.int32)


@pytest.mark.parametrize(
    ("interval_ms", "longest_ms"), [(1000, 15_000), (7500, 15_000), (7501, 15_002), (86_400_000, 172_800_000)]
)
def test_a_device_may_miss_two_intervals_and_at_least_the_rule_s_time(interval_ms, longest_ms):
    assert silence_ms_max(RULES, intervals(interval_ms)).tolist() == [longest_ms]


def test_a_signal_may_be_missing_for_two_intervals_and_at_least_the_rule_s_time():
    assert loss_ms_max(RULES, intervals(1000, 10_001)).tolist() == [20_000, 20_002]


def test_a_score_may_be_unknown_for_two_intervals_and_at_least_an_hour():
    assert unscored_ms_max(intervals(1000, SPOT_MS)).tolist() == [UNSCORED_MS, 2 * SPOT_MS]


def silent(now_ms, *devices, onset_ms=NEVER):
    """Return since when a patient of these devices, each (last heard, announced interval), is silent."""
    heard = np.array([[heard_ms for heard_ms, _ in devices]])
    patience = silence_ms_max(RULES, np.array([[interval_ms for _, interval_ms in devices]], np.int32))
    return int(silent_since(now_ms, heard, patience, np.array([onset_ms]))[0])


@pytest.mark.parametrize(("now_ms", "since_ms"), [(15_999, NEVER), (16_000, 1000)])
def test_silence_begins_with_the_last_frame(now_ms, since_ms):
    assert silent(now_ms, (1000, 1000)) == since_ms


def test_who_was_never_heard_is_not_silent():
    assert silent(10**9, (NEVER, 1000)) == NEVER
    assert silent(10**9, (NEVER, 1000), (NEVER, SPOT_MS)) == NEVER


def test_an_active_silence_ends_by_a_newer_frame_only():
    assert silent(16_000, (1000, 60_000), onset_ms=1000) == 1000
    assert silent(16_000, (1001, 60_000), onset_ms=1000) == NEVER


def test_a_spot_check_does_not_speak_for_a_monitor():
    assert silent(15_999, (1000, 1000), (1500, SPOT_MS)) == NEVER
    assert silent(16_000, (1000, 1000), (1500, SPOT_MS)) == 1000


def test_a_monitor_speaks_for_a_spot_check():
    assert silent(3 * SPOT_MS, (3 * SPOT_MS, 1000), (0, SPOT_MS)) == NEVER


def test_a_monitor_speaks_for_another_of_the_same_patience():
    assert silent(20_000, (19_000, 1000), (0, 1000)) == NEVER
    assert silent(40_000, (19_000, 1000), (0, 1000)) == 19_000


class Bedside:
    """One patient's devices and what they last said of one signal; times in ms."""

    def __init__(self, *devices):
        """Each is (last valid reading, first missing one after it, last frame, announced interval)."""
        columns = np.array(devices, np.int64).T[:, None]
        self.value, self.gone, self.heard, interval = columns
        self.patience = loss_ms_max(RULES, interval.astype(np.int32))

    def lost(self, now_ms, is_silent=False, onset_ms=NEVER):
        """Return since when the signal is lost."""
        said = Measured(self.value[:, :, None], self.gone[:, :, None])
        quiet, onset = np.array([is_silent]), np.array([[onset_ms]])
        return int(lost_since(now_ms, said, self.heard, self.patience, quiet, onset)[0, 0])


def one(value_ms=NEVER, lost_ms=NEVER, heard_ms=None, interval_ms=1000):
    heard = max(value_ms, lost_ms, 0) if heard_ms is None else heard_ms
    return value_ms, lost_ms, heard, interval_ms


@pytest.mark.parametrize(("now_ms", "since_ms"), [(20_999, NEVER), (21_000, 1000)])
def test_an_attached_signal_without_reading_is_lost_after_the_rule_s_time(now_ms, since_ms):
    assert Bedside(one(value_ms=0, lost_ms=1000)).lost(now_ms) == since_ms
    assert Bedside(one(lost_ms=1000)).lost(now_ms, is_silent=True) == since_ms


@pytest.mark.parametrize(
    ("now_ms", "since_ms"),
    [(20_999, NEVER), (21_000, 1000), (999 + DETACHED_MS, 1000), (1000 + DETACHED_MS, NEVER)],
)
def test_a_signal_that_frames_no_longer_carry_is_lost_for_a_while(now_ms, since_ms):
    assert Bedside(one(value_ms=1000, heard_ms=now_ms)).lost(now_ms) == since_ms


def test_a_silent_device_loses_no_signal_but_finds_none_either():
    bed = Bedside(one(value_ms=1000))
    assert bed.lost(30_000, is_silent=True) == NEVER
    assert bed.lost(30_000, is_silent=True, onset_ms=1000) == 1000


def test_a_signal_that_was_never_seen_is_not_lost():
    assert Bedside(one()).lost(10**9) == NEVER


def test_a_loss_ends_by_a_valid_reading_only():
    assert Bedside(one(value_ms=1000, lost_ms=29_000)).lost(30_000, onset_ms=1000) == 29_000
    assert Bedside(one(value_ms=29_000)).lost(30_000, onset_ms=1000) == NEVER
    assert Bedside(one(value_ms=1000, interval_ms=60_000)).lost(30_000, onset_ms=1000) == 1000


def test_a_signal_that_another_device_measures_is_not_lost():
    attached, measures = one(value_ms=0, lost_ms=1000, heard_ms=60_000), one(value_ms=59_000)
    assert Bedside(attached).lost(60_000) == 1000
    assert Bedside(attached, measures).lost(60_000) == NEVER
    assert Bedside(measures, attached).lost(60_000) == NEVER


def test_a_signal_is_lost_since_the_last_device_lost_it_and_once_each_has_for_its_patience():
    bed = Bedside(one(lost_ms=1000, heard_ms=50_000), one(value_ms=30_000, heard_ms=50_000))
    assert bed.lost(49_999) == NEVER
    assert bed.lost(50_000) == 30_000


def test_a_spot_check_that_measured_once_loses_nothing_before_two_of_its_intervals():
    bed = Bedside(one(value_ms=1000, interval_ms=SPOT_MS))
    assert bed.lost(2 * SPOT_MS + 999) == NEVER


def test_a_device_that_went_away_with_a_missing_reading_is_forgotten_after_a_while():
    gone, other = one(lost_ms=1000), one(heard_ms=DETACHED_MS + 1000)
    assert Bedside(gone, other).lost(DETACHED_MS + 999) == 1000
    assert Bedside(gone, other).lost(DETACHED_MS + 1000) == NEVER


@pytest.mark.parametrize(
    ("age_ms_max", "interval_ms", "longest_ms"),
    [(0, 1000, DETACHED_MS), (2 * DETACHED_MS, 1000, 2 * DETACHED_MS), (0, SPOT_MS, 2 * SPOT_MS)],
)
def test_nothing_is_known_of_a_signal_once_it_is_off_too_old_and_two_intervals_over(
    age_ms_max, interval_ms, longest_ms
):
    for now_ms, found in ((longest_ms + 4, False), (longest_ms + 5, True)):
        age = np.array([age_ms_max])
        assert unmeasured(now_ms, np.array([5]), age, intervals(interval_ms)).tolist() == [found]


def is_unreliable(*devices, known=False, gaps=2):
    """Return whether a signal is, of which each device said (came, missed, whether the last is young)."""
    came, missed, fresh = (np.array([[[device[i]] for device in devices]]) for i in range(3))
    counted = Counted(came, missed, np.where(missed > 0, gaps, 0))
    return bool(unreliable(counted, fresh.astype(np.bool_), np.array([[known]]))[0, 0])


@pytest.mark.parametrize(("known", "gaps", "found"), [(False, 1, False), (False, 2, True), (True, 1, True)])
def test_one_stretch_without_readings_does_not_make_a_signal_unreliable_but_may_keep_it_so(
    known, gaps, found
):
    assert is_unreliable((40, 20, True), known=known, gaps=gaps) == found


@pytest.mark.parametrize(
    ("came", "missed", "known", "found"),
    [
        (49, 11, False, False),
        (48, 12, False, True),
        (1, 59, False, True),
        (0, 60, False, False),  # lost, which is told by itself
        (0, 0, False, False),
        (54, 6, True, True),
        (55, 5, True, False),
    ],
)
def test_a_signal_is_unreliable_from_a_fifth_of_missing_readings_on_and_until_a_tenth(
    came, missed, known, found
):
    assert is_unreliable((came, missed, True), known=known) == found


def test_a_signal_that_another_device_measures_well_is_reliable():
    assert not is_unreliable((30, 30, True), (60, 0, True))
    assert is_unreliable((30, 30, True), (60, 0, False))  # it is not heard any more
    assert is_unreliable((30, 30, True), (40, 20, True))
