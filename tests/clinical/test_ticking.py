"""Alarms that time alone decides, as functions of arrays; what ticks do to a ward is in tests/agents."""

import numpy as np

from clinical.lifecycle import Phase, State
from clinical.limits import HIGH, LOW, MEDIUM, NEVER, NONE_SUPPRESSED
from clinical.rules import TechnicalRules
from clinical.ticking import CONTINUE_MS, KNOWN_MS, TickState, judge_loss, remind

RULES = TechnicalRules()
FREE = np.array([NONE_SUPPRESSED])
OVER = np.full((1, 1), NEVER)


def longs(*values):
    return np.array(values, np.int64)


def column(*values):
    return longs(*values)[:, None]


def at_rest(shape):
    return TickState(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8), np.full(shape, NEVER))


def test_a_loss_starts_low_rises_once_and_ends_with_the_priority_it_had():
    first = judge_loss(RULES, 21_000, at_rest((1, 1)), column(1000), OVER, FREE)
    assert (first.phase[0, 0], first.after.priority[0, 0]) == (Phase.START, LOW)
    second = judge_loss(RULES, 61_000, first.after, column(1000), OVER, FREE)
    assert (second.phase[0, 0], second.after.priority[0, 0]) == (Phase.ESCALATE, MEDIUM)
    third = judge_loss(RULES, 62_000, second.after, column(1000), OVER, FREE)
    assert third.phase[0, 0] == Phase.NONE
    fourth = judge_loss(RULES, 63_000, third.after, column(NEVER), OVER, FREE)
    assert (fourth.phase[0, 0], fourth.onset_ms[0, 0]) == (Phase.END, 1000)
    assert fourth.after.onset_ms[0, 0] == NEVER


def test_a_loss_that_begins_with_the_same_frame_again_is_another_episode():
    found = judge_loss(RULES, 21_000, at_rest((1, 1)), column(1000), column(1000), FREE)
    assert (found.phase[0, 0], found.onset_ms[0, 0]) == (Phase.START, 1001)


def test_a_loss_that_is_noticed_late_starts_at_medium():
    found = judge_loss(RULES, 61_000, at_rest((1, 1)), column(1000), OVER, FREE)
    assert (found.phase[0, 0], found.after.priority[0, 0]) == (Phase.START, MEDIUM)


def test_judging_a_loss_twice_at_one_time_changes_nothing():
    for now_ms in (21_000, 61_000):
        once = judge_loss(RULES, now_ms, at_rest((1, 1)), column(1000), OVER, FREE)
        again = judge_loss(RULES, now_ms, once.after, column(1000), OVER, FREE)
        assert again.phase[0, 0] == Phase.NONE
        assert again.after.priority == once.after.priority


def test_open_alarms_are_due_again_after_a_minute_unless_somebody_knows():
    names = (State.ACTIVE, State.ACTIVE, State.LATCHED, State.ACKNOWLEDGED, State.SUPPRESSED, State.DELAYED)
    ranks = np.full(6, HIGH, np.uint8)
    due = remind(CONTINUE_MS + 5, np.array(names, np.uint8), ranks, longs(5, 6, 5, 5, 5, 5))
    assert due.tolist() == [True, False, True, False, False, False]


def test_what_somebody_knows_of_is_due_again_after_three_minutes_at_high_priority_only():
    known = np.full(4, State.ACKNOWLEDGED, np.uint8)
    due = remind(KNOWN_MS + 5, known, np.array([HIGH, HIGH, MEDIUM, LOW], np.uint8), longs(5, 6, 5, 5))
    assert due.tolist() == [True, False, False, False]


def test_a_loss_under_a_pause_is_withheld_and_starts_when_the_pause_is_over():
    paused = np.array([MEDIUM])
    first = judge_loss(RULES, 21_000, at_rest((1, 1)), column(1000), OVER, paused)
    assert (first.phase[0, 0], first.after.state[0, 0]) == (Phase.NONE, State.SUPPRESSED)
    grave = judge_loss(RULES, 61_000, first.after, column(1000), OVER, paused)
    assert (grave.phase[0, 0], grave.after.priority[0, 0]) == (Phase.NONE, MEDIUM)
    over = judge_loss(RULES, 62_000, grave.after, column(1000), OVER, FREE)
    assert (over.phase[0, 0], over.onset_ms[0, 0], over.after.priority[0, 0]) == (Phase.START, 1000, MEDIUM)
    gone = judge_loss(RULES, 62_000, grave.after, column(NEVER), OVER, FREE)
    assert (gone.phase[0, 0], gone.after.state[0, 0]) == (Phase.NONE, State.NORMAL)


def test_a_loss_that_somebody_knows_of_is_told_again_when_it_rises():
    first = judge_loss(RULES, 21_000, at_rest((1, 1)), column(1000), OVER, FREE)
    first.after.state[:] = State.ACKNOWLEDGED
    rise = judge_loss(RULES, 61_000, first.after, column(1000), OVER, FREE)
    assert (rise.phase[0, 0], rise.after.state[0, 0]) == (Phase.ESCALATE, State.ACTIVE)
