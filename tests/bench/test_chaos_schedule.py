"""The random schedule of faults: from its seed alone, room between what must not meet, and all ended before the end."""

from itertools import combinations
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from bench.drills.catalogue import BY_NAME, FAULTS
from bench.drills.chaos_schedule import CALM_S, SETTLE_S, agenda, draw
from bench.drills.fault import Claim

SEEDS = st.integers(0, 2**63)
SECONDS = st.floats(0, 1_800)


@given(SEEDS, SECONDS)
def test_the_same_seed_gives_the_same_schedule_in_whatever_order_the_faults_are_listed(seed, seconds):
    assert draw(seed, seconds, FAULTS) == draw(seed, seconds, FAULTS[::-1])


def test_other_seeds_give_other_schedules():
    assert len({draw(seed, 600, FAULTS) for seed in range(100)}) == 100


@given(SEEDS, SECONDS)
def test_every_fault_lasts_as_it_may_and_leaves_time_to_settle(seed, seconds):
    for one in draw(seed, seconds, FAULTS):
        least_s, most_s = BY_NAME[one.name].lasts_s
        assert least_s - 0.01 <= one.to_s - one.from_s <= most_s + 0.01
        assert one.from_s >= CALM_S
        assert one.to_s <= seconds - SETTLE_S + 0.01


@given(SEEDS, SECONDS)
def test_faults_that_claim_the_same_part_are_apart(seed, seconds):
    for one, other in combinations(draw(seed, seconds, FAULTS), 2):
        if BY_NAME[one.name].claims & BY_NAME[other.name].claims:
            assert one.to_s + CALM_S <= other.from_s + 0.01 or other.to_s + CALM_S <= one.from_s + 0.01


def test_faults_of_different_parts_do_meet():
    planned = draw(1, 3_600, FAULTS)
    met = {
        (claim, other)
        for one, two in combinations(planned, 2)
        if one.from_s < two.to_s and two.from_s < one.to_s
        for claim in BY_NAME[one.name].claims
        for other in BY_NAME[two.name].claims
    }
    assert {(Claim.NODE, Claim.WORKER), (Claim.WORKER, Claim.NODE)} & met
    assert any(Claim.POISON in pair for pair in met)


@given(SEEDS)
def test_in_an_hour_every_fault_comes_and_none_more_than_once_more_often_than_another(seed):
    names = [one.name for one in draw(seed, 3_600, FAULTS)]
    counts = {fault.name: names.count(fault.name) for fault in FAULTS}
    assert min(counts.values()) >= 2
    assert max(counts.values()) - min(counts.values()) <= 1


def test_a_load_that_is_too_short_for_any_fault_has_none():
    assert draw(1, CALM_S + SETTLE_S, FAULTS) == ()


def test_a_fault_that_is_too_long_leaves_its_time_to_others():
    kinds = [
        SimpleNamespace(name="long", lasts_s=(500.0, 500.0), claims=frozenset({"a"})),
        SimpleNamespace(name="short", lasts_s=(1.0, 1.0), claims=frozenset({"a"})),
    ]
    assert {one.name for one in draw(1, 300, kinds)} == {"short"}


@given(SEEDS, SECONDS)
def test_the_agenda_is_in_the_order_of_time_and_ends_all_that_it_begins(seed, seconds):
    planned, works = draw(seed, seconds, FAULTS), set()
    before_s = 0.0
    for at_s, begins, place in agenda(planned):
        assert at_s >= before_s
        before_s = at_s
        (works.add if begins else works.remove)(place)
        claims = [claim for there in works for claim in BY_NAME[planned[there].name].claims]
        assert len(claims) == len(set(claims))
    assert not works


def test_every_fault_claims_something_lasts_a_moment_and_has_a_name_of_its_own():
    assert all(fault.claims for fault in FAULTS)
    assert all(0.1 <= fault.lasts_s[0] < fault.lasts_s[1] for fault in FAULTS)
    assert len(BY_NAME) == len(FAULTS)
