"""By when an alert must be out that was decided beside faults."""

from hypothesis import given
from hypothesis import strategies as st

from bench.drills.findings import FaultTime
from bench.drills.oracle import Told
from bench.drills.overdue import CALM_BOUND_S, due_ms, overdue

CALM_MS = round(1000 * CALM_BOUND_S)
TIMES = st.integers(0, 10_000_000)
FAULTS = st.lists(
    st.builds(
        lambda from_ms, lasts_ms, bound_s, skew_s: FaultTime(
            "a fault", from_ms, from_ms + lasts_ms + 5_000, from_ms + lasts_ms, bound_s, skew_s
        ),
        TIMES,
        st.integers(0, 100_000),
        st.floats(0, 60),
        st.sampled_from((0.0, 90.0)),
    ),
    max_size=8,
)


def fault(from_s, healed_s, bound_s=20.0, skew_s=0.0):
    return FaultTime("a fault", from_s * 1000, (healed_s + 30) * 1000, healed_s * 1000, bound_s, skew_s)


def told(decided_s, took_s):
    return Told("bed-1", decided_s * 1000, (decided_s + took_s) * 1000)


def test_without_a_fault_an_alert_has_the_bound_of_a_calm_time():
    assert due_ms(5_000, []) == 5_000 + CALM_MS
    assert due_ms(5_000, [fault(100, 110)]) == 5_000 + CALM_MS


def test_beside_a_fault_the_bound_counts_from_its_healing_and_not_from_when_all_was_well():
    assert due_ms(105_000, [fault(100, 110)]) == 130_000


def test_an_alert_that_waits_for_one_fault_may_wait_for_the_next_which_began_meanwhile():
    first, second, third = fault(100, 110), fault(125, 140), fault(200, 210)
    assert due_ms(105_000, [third, second, first]) == 160_000


def test_a_fault_whose_bound_was_over_excuses_nothing():
    assert due_ms(131_000, [fault(100, 110)]) == 131_000 + CALM_MS


def test_a_clock_that_was_set_off_excuses_as_much_more_on_both_sides():
    assert due_ms(15_000, [fault(100, 110, skew_s=90)]) == (110 + 20 + 180) * 1000


def test_an_alert_in_time_is_not_told_of_and_one_too_late_is_with_by_how_much():
    faults = [fault(100, 110)]
    assert overdue([told(105, 25), told(50, 9)], faults) == []
    (sentence,) = overdue([told(105, 26), told(50, 12)], faults)
    assert "2 alerts" in sentence
    assert "took 12.0 s, 2.0 s too long" in sentence


@given(TIMES, FAULTS)
def test_no_order_of_faults_changes_when_an_alert_is_due(decided_ms, faults):
    assert due_ms(decided_ms, faults) == due_ms(decided_ms, faults[::-1])


@given(TIMES, FAULTS, FAULTS)
def test_more_faults_never_make_an_alert_due_earlier(decided_ms, faults, more):
    assert due_ms(decided_ms, faults + more) >= due_ms(decided_ms, faults) >= decided_ms + CALM_MS
