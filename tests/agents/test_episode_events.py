"""The transitions of an episode: numbered from its start, at rest without a trace, dismissed with the stay."""

import pytest
from judged_rows import OneRow

from agents.judging.reasons import Reason
from agents.judging.transitions import Details
from agents.judging.verdict import Verdict
from clinical.lifecycle import Event, Phase, State
from clinical.limits import MEDIUM, NEVER

RULE = 0


@pytest.fixture
def one():
    found = OneRow()
    found.parts.episodes.begin(found.table, found.row, RULE, 1_000, MEDIUM)
    return found


def move(one, now_ms, event, details=None):
    return one.parts.episodes.move(one.at(now_ms), one.row, RULE, event, details or Details())


def test_transitions_are_numbered_from_the_start_and_the_next_episode_begins_anew(one):
    numbers = [move(one, ms, event).number for ms, event in ((1, Event.DUE), (2, Event.REMIND))]
    assert (numbers, move(one, 3, Event.CLEAR).number) == ([0, 1], 2)
    one.parts.episodes.begin(one.table, one.row, RULE, 9_000, MEDIUM)
    assert move(one, 10_000, Event.DUE).number == 0


def test_a_transition_says_the_episode_and_the_details(one):
    move(one, 1_000, Event.DUE)
    said = move(one, 2_000, Event.CLEAR, Details(97.0, note="why", reason=Reason.NOT_MEASURED))
    assert (said.patient, said.phase, said.onset_ms, said.event_ms) == ("bed-1", Phase.END, 1_000, 2_000)
    assert (said.priority, said.value, said.note, said.reason) == (MEDIUM, 97.0, "why", Reason.NOT_MEASURED)


def test_an_alarm_at_rest_keeps_the_onset_of_its_last_episode_and_nothing_else(one):
    move(one, 1_000, Event.DUE)
    move(one, 2_000, Event.CLEAR)
    table, at = one.table, (one.row, RULE)
    assert (table.alarm_state[at], table.alarm_onset_ms[at], table.alarm_clear_ms[at]) == (
        State.NORMAL,
        NEVER,
        1_000,
    )
    assert (table.alarm_events[at], table.alarm_told_ms[at], table.alarm_priority[at]) == (0, NEVER, 0)


def test_only_an_acknowledgement_acknowledges(one):
    assert not move(one, 1_000, Event.DUE).acknowledges
    assert move(one, 2_000, Event.ACKNOWLEDGE).acknowledges


def test_who_is_no_longer_monitored_has_every_open_alarm_ended(one):
    move(one, 1_000, Event.DUE)
    out = Verdict()
    one.parts.episodes.dismiss(one.at(5_000), Details(note="gone", reason=Reason.GONE), out)
    assert [(found.phase, found.reason) for found in out.transitions] == [(Phase.END, Reason.GONE)]


def test_what_stands_is_shown_without_being_emitted(one):
    move(one, 1_000, Event.DUE)
    before = int(one.table.alarm_events[one.row, RULE])
    shown = one.parts.episodes.standing(one.table, one.row, RULE, 4_000, Details(88.0))
    assert (shown.phase, shown.value, shown.onset_ms) == (Phase.CONTINUE, 88.0, 1_000)
    assert int(one.table.alarm_events[one.row, RULE]) == before
