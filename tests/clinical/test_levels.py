"""Alarms with levels: each change is told when what is told has held for the delay, whatever happened in between."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clinical.lifecycle import Phase, State
from clinical.limits import HIGH, LOW, MEDIUM, NEVER, NONE_SUPPRESSED
from clinical.rules import News2Rules
from clinical.ticking import LAPSED, LEVELS, UNKNOWN, TickState, judge_band

DELAY_S = 30


def told(levels, suppressed_rank=NONE_SUPPRESSED, delay_s=DELAY_S):
    """Return (second, phase, priority) of every report for one level a second."""
    zero, never = np.zeros(1, np.uint8), np.full(1, NEVER)
    state, since_ms, found = TickState(zero, zero, never), np.full((1, LEVELS), NEVER), []
    for second, level in enumerate(levels):
        rule = News2Rules(delay_s=delay_s)
        result = judge_band(
            rule, second * 1000, state, since_ms, np.array([level]), np.array([suppressed_rank])
        )
        state, since_ms = result.after, result.since_ms
        if result.phase[0]:
            found.append((second, Phase(result.phase[0]), int(state.priority[0])))
    assert state.state[0] in (State.NORMAL, State.ACTIVE, State.SUPPRESSED)
    return found


def test_a_band_that_has_held_for_the_delay_starts_and_ends_an_alarm():
    assert told([0] * 5 + [2] * 40 + [0] * 40) == [(35, Phase.START, MEDIUM), (75, Phase.END, LOW)]


def test_a_band_that_falls_back_within_the_delay_is_not_reported():
    assert told([0] * 5 + [3] * 30 + [0] + [3] * 30 + [0] * 40) == []


def test_a_higher_band_escalates_and_a_lower_one_deescalates():
    assert told([2] * 35 + [3] * 35 + [1] * 35) == [
        (30, Phase.START, MEDIUM),
        (65, Phase.ESCALATE, HIGH),
        (100, Phase.DEESCALATE, LOW),
    ]


def test_a_fall_by_way_of_another_level_ends_when_the_lowest_has_held():
    assert told([3] * 31 + [2] * 20 + [0] * 60) == [
        (30, Phase.START, HIGH),
        (61, Phase.DEESCALATE, MEDIUM),
        (81, Phase.END, LOW),
    ]


def test_a_rise_by_way_of_another_level_tells_each_when_it_has_held():
    assert told([1] * 10 + [3] * 60) == [(30, Phase.START, LOW), (40, Phase.ESCALATE, HIGH)]


def test_a_moment_of_a_higher_level_does_not_raise_what_is_told():
    assert told([1] * 25 + [3] * 3 + [1] * 30) == [(30, Phase.START, LOW)]


def test_too_few_inputs_neither_start_nor_end_an_alarm():
    assert told([UNKNOWN] * 100) == []
    assert told([2] * 35 + [UNKNOWN] * 100) == [(30, Phase.START, MEDIUM)]


def test_a_change_does_not_go_on_where_inputs_had_failed_in_between():
    assert told([2] * 20 + [UNKNOWN] * 3600 + [2] * 30) == []
    assert told([2] * 31 + [0] * 20 + [UNKNOWN] * 5 + [0] * 30) == [(30, Phase.START, MEDIUM)]


def test_an_alarm_of_which_nothing_is_known_any_more_ends_at_once():
    assert told([2] * 31 + [UNKNOWN] * 9 + [LAPSED]) == [(30, Phase.START, MEDIUM), (40, Phase.END, LOW)]
    assert told([2] * 20 + [LAPSED] * 9) == []
    assert told([2] * 40 + [LAPSED] + [2] * 40, suppressed_rank=MEDIUM) == []


def test_a_band_breaks_through_a_pause_that_does_not_cover_its_priority():
    found = told([2] * 40 + [3] * 40 + [0] * 40, suppressed_rank=MEDIUM)
    assert [(second, phase) for second, phase, _ in found] == [(70, Phase.START), (110, Phase.END)]


def plainly(levels, delay_s):
    """Return (second, level) of every change, by looking back over the whole delay each time."""
    reported, found = 0, []
    for second in range(len(levels)):
        known = second
        while known >= 0 and levels[known] != UNKNOWN:
            known -= 1
        lookback = levels[known + 1 : second + 1]
        if len(lookback) <= delay_s:
            continue
        lookback = lookback[-delay_s - 1 :]
        level = min(lookback) if min(lookback) > reported else min(max(lookback), reported)
        if level != reported:
            reported = level
            found.append((second, level))
    return found


runs = st.lists(st.tuples(st.sampled_from((0, 1, 2, 3, UNKNOWN)), st.integers(1, 6)), max_size=25)


@given(runs, st.sampled_from((0, 1, 3, 5)))
def test_every_change_is_told_when_what_is_told_has_held_for_the_delay(course, delay_s):
    levels = [level for level, seconds in course for _ in range(seconds)]
    found = [
        (second, 0 if phase == Phase.END else rank + 1)
        for second, phase, rank in told(levels, delay_s=delay_s)
    ]
    assert found == plainly(levels, delay_s)
