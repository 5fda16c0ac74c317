"""Broken glass: each use is emitted, and the alarm ends a minute after the last one."""

import pytest
from judged_rows import OneRow

from agents.judging.broken_glass import GLASS_MS
from agents.judging.verdict import Verdict
from clinical.lifecycle import Event, Phase


@pytest.fixture
def one():
    return OneRow()


def use(one, now_ms):
    out = Verdict()
    one.parts.broken_glass.use("opened by doctor-1", one.at(now_ms, actor="doctor-1"), out)
    return [found.phase for found in out.transitions]


def tick(one, now_ms):
    out = Verdict()
    one.parts.broken_glass.judge(one.at(now_ms), out)
    return [found.phase for found in out.transitions]


def test_the_first_use_starts_the_alarm_and_each_further_one_changes_it(one):
    assert (use(one, 1), use(one, 2)) == ([Phase.START], [Phase.UPDATE])


def test_it_ends_a_minute_after_the_last_use(one):
    use(one, 1_000)
    use(one, 30_000)
    assert (tick(one, 29_999 + GLASS_MS), tick(one, 30_000 + GLASS_MS)) == ([], [Phase.END])


def test_a_use_that_follows_an_acknowledgement_is_worse(one):
    use(one, 1)
    column = one.column["break-glass"]
    one.parts.episodes.move(one.at(2), one.row, column, Event.ACKNOWLEDGE)
    assert use(one, 3) == [Phase.ESCALATE]
