import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.burst import BURSTS_MAX, Burst, Schedule, check_bursts, parse_burst
from streams.errors import UsageError


def test_a_burst_reads_as_factor_at_start_plus_seconds():
    assert parse_burst("5@10+3") == Burst(5.0, 10.0, 3.0)
    assert parse_burst(" 1.5@0+.5 ") == Burst(1.5, 0.0, 0.5)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected FACTOR@START+SECONDS"),
        ("5x@10+3", "expected FACTOR@START+SECONDS"),
        ("5@10", "expected FACTOR@START+SECONDS"),
        ("-5@10+3", "expected FACTOR@START+SECONDS"),
        ("nan@10+3", "expected FACTOR@START+SECONDS"),
        ("0@10+3", "factor 0 is not above 0"),
        ("1001@10+3", "factor 1001 is not above 0 and at most 1000"),
        ("5@10+0", "length 0 s is not above 0"),
        ("5@99999999+3", "start 99999999 s is more than"),
        ("5@10+99999999", "length 99999999 s is not above 0 s and at most"),
    ],
)
def test_a_wrong_burst_is_refused_and_says_what_is_wrong(text, says):
    with pytest.raises(UsageError, match="burst") as refused:
        parse_burst(text)
    assert says in str(refused.value)


def test_bursts_are_put_in_order_and_may_touch():
    late, early = Burst(2, 5, 1), Burst(3, 1, 4)
    assert check_bursts([late, early]) == (early, late)


def test_bursts_that_overlap_are_refused():
    with pytest.raises(UsageError, match="one ends at second 5, the next starts at 4"):
        check_bursts([Burst(3, 1, 4), Burst(2, 4, 1)])


def test_the_number_of_bursts_is_bounded_at_limit():
    bursts = [Burst(2, second, 0.5) for second in range(BURSTS_MAX)]
    assert len(check_bursts(bursts)) == BURSTS_MAX
    with pytest.raises(UsageError, match="at most"):
        check_bursts([*bursts, Burst(2, BURSTS_MAX, 1)])


def times_s(schedule, until_s):
    found, number = [], 0
    while (moments_s := schedule.round_s(number))[0] < until_s:
        found += [moment_s for moment_s in moments_s.tolist() if moment_s < until_s]
        number += 1
    return np.array(found)


def test_beds_are_spread_evenly_over_the_second():
    assert Schedule(4, 1.0).round_s(0).tolist() == [0.0, 0.25, 0.5, 0.75]
    assert Schedule(4, 2.0).round_s(3).tolist() == [1.5, 1.625, 1.75, 1.875]


def test_a_burst_multiplies_the_frames_of_its_seconds_and_no_others():
    moments_s = times_s(Schedule(10, 2.0, [Burst(5, 3, 2), Burst(3, 6, 1)]), 10)
    per_second = np.bincount(np.floor(moments_s + 1e-9).astype(int), minlength=10)
    assert per_second.tolist() == [20, 20, 20, 100, 100, 20, 60, 20, 20, 20]


@given(
    beds=st.integers(1, 50),
    rate_hz=st.floats(0.1, 50),
    factors=st.lists(st.floats(0.1, 100), max_size=4),
)
def test_the_plan_never_runs_backwards(beds, rate_hz, factors):
    bursts = [Burst(factor, 2.0 * place, 1.0) for place, factor in enumerate(factors)]
    schedule = Schedule(beds, rate_hz, bursts)
    planned_s = np.concatenate([schedule.round_s(number) for number in range(20)])
    assert planned_s[0] == 0.0
    assert (np.diff(planned_s) >= 0).all()
