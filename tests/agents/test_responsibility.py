"""Who answers for a high alarm: each step in its time, the next when one says no."""

import pytest
from judged_rows import OneRow

from agents.judging.episode_events import Refused
from clinical.lifecycle import Answered, Event
from clinical.limits import HIGH
from clinical.rules import LimitRule, RuleSet, Step

STEPS = Step("nurse", 60), Step("doctor", 120)
RULES = RuleSet((LimitRule("vfib", "vfib", high=0.5, priority="high"),), responsibility=STEPS)
RULE = 0


@pytest.fixture
def one():
    found = OneRow(RULES)
    found.parts.episodes.begin(found.table, found.row, RULE, 0, HIGH)
    found.started = found.parts.episodes.move(found.at(0), found.row, RULE, Event.DUE)
    return found


def overdue(one, now_ms):
    return one.parts.responsibilities.overdue(one.table, one.at(now_ms).rows, now_ms)


def test_the_first_step_is_asked_when_the_alarm_starts(one):
    assert (one.started.asked.to, one.started.asked.status) == ("nurse", "requested")


def test_a_step_is_overdue_when_it_has_had_its_time(one):
    assert (overdue(one, 59_999), overdue(one, 60_000)) == ([], [(one.row, RULE)])


def test_who_does_not_answer_is_passed_over_and_the_next_one_asked(one):
    passed = one.parts.responsibilities.pass_over(one.at(60_000), one.row, RULE)
    assert (passed.asked.to, passed.asked.previous) == ("doctor", "undefined")


def test_a_rejection_asks_the_next_step_at_once_and_the_last_one_leaves_nobody(one):
    first, last = (
        one.parts.responsibilities.reject(one.at(ms, actor="nurse-1"), one.row, RULE) for ms in (1, 2)
    )
    assert (first.asked.to, first.asked.previous) == ("doctor", "rejected")
    assert last.note == "rejected by nurse-1, nobody is left to ask"


def test_responsibility_is_accepted_once(one):
    one.parts.responsibilities.accept(one.at(1, actor="nurse-1"), one.row, RULE)
    assert one.table.alarm_answer[one.row, RULE] == Answered.ACCEPTED
    with pytest.raises(Refused, match="accepted already"):
        one.parts.responsibilities.accept(one.at(2, actor="nurse-2"), one.row, RULE)
