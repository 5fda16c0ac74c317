"""Canaries through channels: each hop that is cut is told of within 150 s, and a working one never is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.watching.hops import HOP_S_MAX, Hops, cut_alert

EVERY_S = 65
"""The longest time between two canaries of one channel: a minute and what a canary's own alert may be late."""

HOPS = ("judged", "queued", "sent", "taken", "returned")
MILESTONES = ("queued", "sent", "taken", "delivered")
TOLD_S_MAX = 150.0


def lived(cut_at_s, hop, until_s=1_000, every_s=EVERY_S):
    """Return when a channel whose `hop` is cut at a time was told of, s, and why; None: never."""
    hops = Hops(["push"], 0.0)
    for now_s in range(until_s):
        works = len(MILESTONES) if now_s < cut_at_s else HOPS.index(hop) - 1
        if now_s % 10 == 0 and works >= 0:
            hops.sang(float(now_s))
        if now_s % every_s == 0:
            for milestone in MILESTONES[: max(0, works)]:
                hops.reached("push", milestone, float(now_s))
        if found := hops.cut(float(now_s)):
            return now_s, found["push"]
    return None


@pytest.mark.parametrize(
    ("hop", "why"),
    [
        ("judged", "no canary's alert is judged"),
        ("queued", "no canary is queued"),
        ("sent", "no canary is sent"),
        ("taken", "the provider takes no canary"),
        ("returned", "the receiver does not say"),
    ],
)
def test_each_hop_that_is_cut_is_told_of_in_time_and_by_its_name(hop, why):
    for cut_at_s in range(300, 300 + EVERY_S):
        told_s, said = lived(cut_at_s, hop)
        assert told_s - cut_at_s <= TOLD_S_MAX
        assert why in said


def test_a_channel_that_works_is_never_told_of():
    assert lived(10**9, "taken") is None


def test_a_channel_that_never_worked_is_told_of_if_it_is_in_the_routing_file():
    assert lived(0, "queued")[0] <= TOLD_S_MAX
    hops = Hops([], 0.0)
    hops.sang(500.0)
    assert hops.cut(500.0) == {}


def test_a_provider_that_never_says_what_arrived_is_not_asked_for_it():
    hops = Hops(["push"], 0.0)
    for now_s in range(0, 600, 60):
        hops.sang(float(now_s))
        for milestone in ("queued", "sent", "taken"):
            hops.reached("push", milestone, float(now_s))
    assert hops.cut(600.0) == {}


@settings(max_examples=50)
@given(st.lists(st.integers(10, 70), min_size=5, max_size=30))
def test_canaries_that_come_at_any_pace_up_to_two_bounds_raise_no_alarm(gaps):
    hops, now_s = Hops(["push"], 0.0), 0.0
    for gap_s in gaps:
        now_s += gap_s
        assert hops.cut(now_s) == {}
        hops.sang(now_s)
        for milestone in MILESTONES:
            hops.reached("push", milestone, now_s)
    assert hops.cut(now_s + HOP_S_MAX + 1) != {}


def test_a_cut_and_its_end_are_one_episode():
    start, end = cut_alert("push", 1_000, 1_000, "no canary is sent"), cut_alert("push", 1_000, 9_000, None)
    assert start.episode == end.episode
    assert (start.phase, end.phase) == ("start", "end")
    assert start.patient == "~channel/push"
