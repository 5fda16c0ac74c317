"""A partition's life: every state meets every event."""

from itertools import product

import pytest

from tables.partition_life import TRANSITIONS, Event, IllegalEvent, Life, advance, name

PAIRS = list(product(Life, Event))
LEGAL = [(life, event) for life, event in PAIRS if event in TRANSITIONS[life]]
ILLEGAL = [pair for pair in PAIRS if pair not in LEGAL]


def named(pairs):
    return pytest.mark.parametrize(
        ("life", "event"), pairs, ids=[f"{name(life)}-{name(event)}" for life, event in pairs]
    )


@named(LEGAL)
def test_a_pair_of_the_table_leads_to_its_state(life, event):
    assert advance(life, event) is TRANSITIONS[life][event]


@named(ILLEGAL)
def test_a_pair_that_the_table_lacks_is_refused(life, event):
    with pytest.raises(IllegalEvent, match=f"{name(event)} cannot happen while it is {name(life)}"):
        advance(life, event)


def test_every_state_is_reached_from_the_first():
    reached, found = {Life.ASSIGNED}, set()
    while reached != found:
        found = set(reached)
        reached |= {following for life in found for following in TRANSITIONS[life].values()}
    assert reached == set(Life)


def test_records_are_judged_only_where_the_state_is_known_to_be_complete():
    judged = {life for life, row in TRANSITIONS.items() if Event.JUDGE in row}
    assert judged == {Life.JUDGING, Life.HANDING_OVER}


def test_what_is_judged_is_handed_over_before_it_is_assigned_again_or_dropped():
    assert not {Event.ASSIGN, Event.DROP} & TRANSITIONS[Life.JUDGING].keys()


COURSE = (Event.ASSIGN, Event.READ, Event.READ, Event.RECOVER, Event.RESUME, Event.JUDGE, Event.JUDGE)
"""From an assignment on, if nothing comes between."""

BEFORE_THE_NEXT_RECOVERY = (Event.READ, Event.RECOVER, Event.RESUME)
"""What of an assignment that is over may still come when the next one is known: Faust begins its recovery later."""


def lived(*courses):
    life = Life.ASSIGNED
    for event in (event for course in courses for event in course):
        life = advance(life, event)
    return life


@pytest.mark.parametrize("steps", range(len(COURSE) + 1))
def test_a_course_that_a_rebalance_or_the_end_cuts_short_at_any_step_stops_no_worker(steps):
    begun, under_way = COURSE[:steps], COURSE[steps : steps + 1]
    ended = (*begun, Event.REVOKE, Event.READ, *under_way)
    assert lived(ended, [Event.REVOKE, Event.READ]) is Life.HANDING_OVER
    assert lived(ended, [Event.DROP]) is Life.GONE
    stale = [event for event in under_way if event in BEFORE_THE_NEXT_RECOVERY]
    again = (Event.ASSIGN, *stale, *COURSE[1:])
    assert lived(ended, again) is Life.JUDGING
    assert lived(ended, again[:steps], [Event.REVOKE], again) is Life.JUDGING
    unread = (Event.ASSIGN, *stale, Event.RECOVER, Event.RESUME, Event.JUDGE)
    assert lived(ended, unread) is Life.JUDGING
