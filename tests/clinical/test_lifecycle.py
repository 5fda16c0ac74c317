"""The alarm's life: every state meets every event."""

from itertools import product

import numpy as np
import pytest

from clinical.lifecycle import (
    CLOSING,
    PHASE_NAMES,
    TRANSITIONS,
    Event,
    IllegalTransition,
    Phase,
    State,
    advance,
)

PAIRS = list(product(State, Event))
LEGAL = [(state, event) for state, event in PAIRS if event in TRANSITIONS[state]]
ILLEGAL = [pair for pair in PAIRS if pair not in LEGAL]


def named(pairs):
    return pytest.mark.parametrize(
        ("state", "event"), pairs, ids=[f"{s.name}-{e.name}".lower() for s, e in pairs]
    )


@named(LEGAL)
def test_a_pair_of_the_table_leads_to_its_state_and_phase(state, event):
    states, phases = advance(np.array([state], np.uint8), np.array([event], np.uint8))
    assert (State(states[0]), Phase(phases[0])) == TRANSITIONS[state][event]


@named(ILLEGAL)
def test_a_pair_that_the_table_lacks_is_refused_and_changes_nothing(state, event):
    states = np.array([[State.NORMAL, state], [State.ACTIVE, State.DELAYED]], np.uint8)
    events = np.array([[Event.DUE, event], [Event.CLEAR, Event.CLEAR]], np.uint8)
    before = states.copy(), events.copy()
    with pytest.raises(IllegalTransition, match=f"{event.name} cannot happen in {state.name}"):
        advance(states, events)
    assert np.array_equal(states, before[0])
    assert np.array_equal(events, before[1])


def test_many_alarms_advance_as_each_does_alone():
    states, events = np.array(LEGAL, np.uint8).T
    together = advance(states, events)
    alone = [advance(states[i : i + 1], events[i : i + 1]) for i in range(len(LEGAL))]
    assert together[0].tolist() == [int(state[0]) for state, _ in alone]
    assert together[1].tolist() == [int(phase[0]) for _, phase in alone]


def test_the_input_is_left_as_it_was():
    states, events = np.array([State.ACTIVE], np.uint8), np.array([Event.CLEAR], np.uint8)
    advance(states, events)
    assert states.tolist() == [State.ACTIVE]


def test_an_alarm_starts_only_by_a_violation_that_is_due():
    told = {(event, phase) for row in TRANSITIONS.values() for event, (_, phase) in row.items()}
    assert {event for event, phase in told if phase == Phase.START} == {Event.DUE}
    assert {event for event, phase in told if phase == Phase.RESET} == {Event.ACKNOWLEDGE}
    ends = {Event.CLEAR, Event.LATCH, Event.DISMISS}
    assert {event for event, phase in told if phase == Phase.END} == ends


def test_an_episode_opens_with_a_start_and_closes_with_an_end_or_a_reset_and_nothing_else():
    opened = (State.ACTIVE, State.ACKNOWLEDGED, State.LATCHED)
    for state, event in LEGAL:
        following, phase = TRANSITIONS[state][event]
        assert (state not in opened and following in opened) == (phase == Phase.START)
        assert (state in opened and following not in opened) == (phase in CLOSING)


def test_a_change_of_an_open_alarm_s_state_is_never_silent():
    for state, event in LEGAL:
        following, phase = TRANSITIONS[state][event]
        silent = {State.NORMAL, State.DELAYED, State.SUPPRESSED}
        assert phase != Phase.NONE or following == state or {state, following} <= silent


def test_only_a_latched_alarm_outlives_its_condition_and_only_until_it_is_acknowledged():
    assert TRANSITIONS[State.ACTIVE][Event.LATCH] == (State.LATCHED, Phase.UPDATE)
    assert TRANSITIONS[State.ACKNOWLEDGED][Event.LATCH] == (State.NORMAL, Phase.END)
    assert TRANSITIONS[State.LATCHED][Event.ACKNOWLEDGE] == (State.NORMAL, Phase.RESET)
    assert TRANSITIONS[State.LATCHED][Event.DUE] == (State.ACTIVE, Phase.UPDATE)


def test_a_rise_in_priority_undoes_an_acknowledgement():
    assert TRANSITIONS[State.ACKNOWLEDGED][Event.WORSE] == (State.ACTIVE, Phase.ESCALATE)
    assert TRANSITIONS[State.ACKNOWLEDGED][Event.BETTER] == (State.ACKNOWLEDGED, Phase.DEESCALATE)


def test_a_missing_reading_keeps_a_delay_and_an_alarm():
    assert TRANSITIONS[State.DELAYED][Event.MISSING] == (State.DELAYED, Phase.NONE)
    assert TRANSITIONS[State.ACTIVE][Event.MISSING] == (State.ACTIVE, Phase.NONE)


def test_every_phase_that_is_reported_has_a_name():
    assert set(PHASE_NAMES) == set(Phase) - {Phase.NONE}
