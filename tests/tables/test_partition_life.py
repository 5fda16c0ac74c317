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
