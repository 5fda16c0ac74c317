"""Judgements of ticks taken into the table: levels start, change and end an alarm after its delay."""

import numpy as np
import pytest
from judged_rows import OneRow

from agents.judging.tick_alarms import Held, Levels, is_at_rest, judge_levels
from agents.judging.transitions import NOT_MEASURED, Details
from agents.judging.verdict import Verdict
from clinical.lifecycle import Phase
from clinical.limits import LOW, MEDIUM
from clinical.ticking import LAPSED

DELAY_S = 10


@pytest.fixture
def one():
    return OneRow()


def tick(one, at_s, level, explain=None):
    out = Verdict()
    column = one.column["backlog"]
    levels = Levels(column, Held(DELAY_S), np.array([level]), explain)
    judge_levels(levels, one.parts.episodes, one.at(at_s * 1000), out)
    return [(found.phase, found.priority, found.note) for found in out.transitions]


def test_a_level_starts_after_the_delay_and_rises_and_ends_after_it_again(one):
    found = {at_s: tick(one, at_s, level) for at_s, level in ((0, 1), (9, 1), (10, 1), (11, 2), (21, 2))}
    assert found == {
        0: [],
        9: [],
        10: [(Phase.START, LOW, "")],
        11: [],
        21: [(Phase.ESCALATE, MEDIUM, "")],
    }
    assert (tick(one, 22, 0), tick(one, 32, 0)) == ([], [(Phase.END, MEDIUM, "")])


def test_what_is_said_is_asked_only_for_what_is_emitted(one):
    asked = []

    def explain(i):
        asked.append(i)
        return Details(note="why")

    tick(one, 0, 1, explain)
    assert asked == []
    assert tick(one, 10, 1, explain) == [(Phase.START, LOW, "why")]
    assert asked == [0]


def test_a_condition_that_lapses_ends_its_alarm_and_says_that_it_may_not_be_over(one):
    tick(one, 0, 1)
    tick(one, 10, 1)
    over = Details(over=NOT_MEASURED.note)
    assert tick(one, 11, LAPSED, lambda _: over) == [(Phase.END, LOW, NOT_MEASURED.note)]


def test_an_alarm_is_at_rest_until_its_level_rises(one):
    rows, column = np.array([one.row]), one.column["backlog"]
    assert is_at_rest(one.table, rows, column).all()
    tick(one, 0, 1)
    tick(one, 10, 1)
    assert not is_at_rest(one.table, rows, column).any()
