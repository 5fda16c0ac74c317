"""Alarms that time alone decides, as functions of arrays; what ticks do to a ward is in tests/agents."""

import numpy as np
import pytest

from clinical.lifecycle import Phase, State
from clinical.limits import HIGH, LOW, MEDIUM, NEVER, NO_COVER
from clinical.rules import TechnicalRules
from clinical.ticking import (
    CONTINUE_MS,
    DETACHED_MS,
    KNOWN_MS,
    TickState,
    judge_loss,
    lost_since,
    remind,
    silence_ms_max,
    silent_since,
)

RULES = TechnicalRules()
FREE = np.array([NO_COVER])
SECOND = np.array([1000], np.int32)


def longs(*values):
    return np.array(values, np.int64)


def column(*values):
    return longs(*values)[:, None]


def at_rest(shape):
    return TickState(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8), np.full(shape, NEVER))


@pytest.mark.parametrize(
    ("interval_ms", "longest_ms"), [(1000, 15_000), (7500, 15_000), (7501, 15_002), (86_400_000, 172_800_000)]
)
def test_a_device_may_miss_two_intervals_and_at_least_the_rule_s_time(interval_ms, longest_ms):
    assert silence_ms_max(RULES, np.array([interval_ms], np.int32)).tolist() == [longest_ms]


def test_silence_begins_with_the_last_frame():
    seen = longs(1000, 1001, NEVER)
    since = silent_since(RULES, 16_000, seen, np.full(3, 1000, np.int32), np.full(3, NEVER))
    assert since.tolist() == [1000, NEVER, NEVER]


def test_an_active_silence_ends_by_a_newer_frame_only():
    seen, long = longs(1000, 1001), np.full(2, 60_000, np.int32)
    assert silent_since(RULES, 16_000, seen, long, longs(1000, 1000)).tolist() == [1000, NEVER]


def lost(now_ms, lost_ms=NEVER, value_ms=NEVER, silent=False, onset_ms=NEVER, interval_ms=1000):
    since = lost_since(
        RULES,
        now_ms,
        column(lost_ms),
        column(value_ms),
        np.array([interval_ms], np.int32),
        np.array([silent]),
        column(onset_ms),
    )
    return int(since[0, 0])


@pytest.mark.parametrize(("now_ms", "since_ms"), [(20_999, NEVER), (21_000, 1000)])
def test_an_attached_signal_without_reading_is_lost_after_the_rule_s_time(now_ms, since_ms):
    assert lost(now_ms, lost_ms=1000, value_ms=0) == since_ms
    assert lost(now_ms, lost_ms=1000, silent=True) == since_ms


@pytest.mark.parametrize(
    ("now_ms", "since_ms"), [(20_999, NEVER), (21_000, 1000), (1000 + DETACHED_MS, NEVER)]
)
def test_a_signal_that_frames_no_longer_carry_is_lost_for_a_while(now_ms, since_ms):
    assert lost(now_ms, value_ms=1000) == since_ms


def test_a_silent_device_loses_no_signal_but_finds_none_either():
    assert lost(30_000, value_ms=1000, silent=True) == NEVER
    assert lost(30_000, value_ms=1000, silent=True, onset_ms=1000) == 1000


def test_a_signal_that_was_never_seen_is_not_lost():
    assert lost(10**9) == NEVER


def test_a_loss_ends_by_a_valid_reading_only():
    assert lost(30_000, lost_ms=29_000, value_ms=1000, onset_ms=1000) == 29_000
    assert lost(30_000, value_ms=29_000, onset_ms=1000) == NEVER
    assert lost(30_000, value_ms=1000, onset_ms=1000, interval_ms=60_000) == 1000


def test_a_loss_starts_low_rises_once_and_ends_with_the_priority_it_had():
    first = judge_loss(RULES, 21_000, at_rest((1, 1)), column(1000), FREE)
    assert (first.phase[0, 0], first.after.priority[0, 0]) == (Phase.START, LOW)
    second = judge_loss(RULES, 61_000, first.after, column(1000), FREE)
    assert (second.phase[0, 0], second.after.priority[0, 0]) == (Phase.ESCALATE, MEDIUM)
    third = judge_loss(RULES, 62_000, second.after, column(1000), FREE)
    assert third.phase[0, 0] == Phase.NONE
    fourth = judge_loss(RULES, 63_000, third.after, column(NEVER), FREE)
    assert (fourth.phase[0, 0], fourth.onset_ms[0, 0]) == (Phase.END, 1000)
    assert fourth.after.onset_ms[0, 0] == NEVER


def test_a_loss_that_is_noticed_late_starts_at_medium():
    found = judge_loss(RULES, 61_000, at_rest((1, 1)), column(1000), FREE)
    assert (found.phase[0, 0], found.after.priority[0, 0]) == (Phase.START, MEDIUM)


def test_judging_a_loss_twice_at_one_time_changes_nothing():
    for now_ms in (21_000, 61_000):
        once = judge_loss(RULES, now_ms, at_rest((1, 1)), column(1000), FREE)
        again = judge_loss(RULES, now_ms, once.after, column(1000), FREE)
        assert again.phase[0, 0] == Phase.NONE
        assert again.after.priority == once.after.priority


def test_open_alarms_are_due_again_after_a_minute_unless_somebody_knows():
    names = (State.ACTIVE, State.ACTIVE, State.LATCHED, State.ACKNOWLEDGED, State.WITHHELD, State.DELAYED)
    ranks = np.full(6, HIGH, np.uint8)
    due = remind(CONTINUE_MS + 5, np.array(names, np.uint8), ranks, longs(5, 6, 5, 5, 5, 5))
    assert due.tolist() == [True, False, True, False, False, False]


def test_what_somebody_knows_of_is_due_again_after_three_minutes_at_high_priority_only():
    known = np.full(4, State.ACKNOWLEDGED, np.uint8)
    due = remind(KNOWN_MS + 5, known, np.array([HIGH, HIGH, MEDIUM, LOW], np.uint8), longs(5, 6, 5, 5))
    assert due.tolist() == [True, False, False, False]


def test_a_loss_under_a_pause_is_withheld_and_starts_when_the_pause_is_over():
    paused = np.array([MEDIUM])
    first = judge_loss(RULES, 21_000, at_rest((1, 1)), column(1000), paused)
    assert (first.phase[0, 0], first.after.state[0, 0]) == (Phase.NONE, State.WITHHELD)
    grave = judge_loss(RULES, 61_000, first.after, column(1000), paused)
    assert (grave.phase[0, 0], grave.after.priority[0, 0]) == (Phase.NONE, MEDIUM)
    over = judge_loss(RULES, 62_000, grave.after, column(1000), FREE)
    assert (over.phase[0, 0], over.onset_ms[0, 0], over.after.priority[0, 0]) == (Phase.START, 1000, MEDIUM)
    gone = judge_loss(RULES, 62_000, grave.after, column(NEVER), FREE)
    assert (gone.phase[0, 0], gone.after.state[0, 0]) == (Phase.NONE, State.NORMAL)


def test_a_loss_that_somebody_knows_of_is_told_again_when_it_rises():
    first = judge_loss(RULES, 21_000, at_rest((1, 1)), column(1000), FREE)
    first.after.state[:] = State.ACKNOWLEDGED
    rise = judge_loss(RULES, 61_000, first.after, column(1000), FREE)
    assert (rise.phase[0, 0], rise.after.state[0, 0]) == (Phase.ESCALATE, State.ACTIVE)
