"""The breaker's table and the schedule of tries, by property."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from edge.channels.breaker import HAPPENINGS, STATES, TABLE, Breaker, BreakerBounds
from edge.channels.schedule import Schedule


def test_the_table_says_what_follows_everything():
    assert set(TABLE) == set(itertools.product(STATES, HAPPENINGS))


def test_every_success_closes_and_no_failure_does():
    assert {after for (_, what), after in TABLE.items() if what == "success"} == {"closed"}
    assert {after for (state, what), after in TABLE.items() if state != "closed" and what == "failure"} == {
        "open"
    }


@given(st.lists(st.tuples(st.sampled_from(["ask", "success", "failure"]), st.floats(0, 20)), max_size=80))
def test_a_channel_that_only_fails_is_found_out_and_one_that_works_is_left_open(steps):
    breaker, bounds, now_s, run = Breaker(), BreakerBounds(), 0.0, 0
    for what, later_s in steps:
        now_s += later_s
        before = breaker.state
        if what == "ask":
            asked = breaker.may_send(now_s)
            assert asked == (before == "closed" or breaker.state == "half-open") or not asked
            assert before != "closed" or asked
        elif what == "success":
            breaker.succeeded(now_s)
            run = 0
            assert breaker.state == "closed"
        else:
            breaker.failed(now_s)
            run += 1
            assert breaker.state == "open" or (before == "closed" and run < bounds.failures_max)
    if run >= bounds.failures_max:
        assert breaker.state != "closed"


@given(st.integers(1, 20))
def test_an_open_breaker_probes_one_message_at_a_time_and_ever_less_often(times):
    breaker, bounds, now_s, waits = Breaker(), BreakerBounds(), 0.0, []
    for _ in range(bounds.failures_max):
        breaker.failed(now_s)
    for _ in range(times):
        assert not breaker.may_send(now_s)
        waits.append(breaker.due_s(now_s))
        now_s += waits[-1]
        assert breaker.may_send(now_s)
        assert not breaker.may_send(now_s)  # one probe, until it has heard what came
        breaker.failed(now_s)
    assert waits == sorted(waits)
    assert waits[-1] <= bounds.open_s_max


def test_a_message_that_says_nothing_of_the_channel_frees_the_probe():
    breaker = Breaker()
    for _ in range(5):
        breaker.failed(0.0)
    assert breaker.may_send(5.0)
    breaker.unproven()
    assert breaker.may_send(5.0)


def tries_of(schedule, took_s, asked_s=0.0):
    """Return when tries begin that all fail after `took_s`, s, and when the message is given up."""
    begins, now_s, attempt = [], 0.0, 0
    while True:
        attempt += 1
        begins.append(now_s)
        now_s += min(took_s, schedule.deadline_s(0.0, now_s))
        due_s = schedule.next_s(attempt, 0.0, now_s, asked_s)
        if due_s is None:
            return begins, now_s
        now_s = due_s


@given(st.floats(0, 60), st.floats(0, 200))
def test_a_message_is_given_up_in_time_whatever_the_provider_does(took_s, asked_s):
    schedule = Schedule()
    begins, ended_s = tries_of(schedule, took_s, asked_s)
    assert ended_s <= schedule.total_s
    assert len(begins) <= schedule.tries_max
    waits = [
        later - earlier - min(took_s, schedule.attempt_s) for earlier, later in itertools.pairwise(begins)
    ]
    assert all(wait >= asked_s - 1e-6 for wait in waits)
    assert all(later >= earlier - 1e-6 for earlier, later in itertools.pairwise(waits))


def test_the_waits_double_to_a_bound():
    assert [Schedule().wait_s(attempt) for attempt in range(1, 8)] == [0.5, 1, 2, 4, 8, 15, 15]


@given(st.floats(0.1, 5))
def test_a_channel_is_told_of_within_two_minutes_of_its_first_failure(took_s):
    """One message alone, tried as the schedule says, opens the breaker."""
    schedule, breaker, now_s, attempt = Schedule(), Breaker(), 0.0, 0
    while breaker.state == "closed":
        attempt += 1
        now_s += took_s
        breaker.failed(now_s)
        due_s = schedule.next_s(attempt, 0.0, now_s)
        assert due_s is not None or breaker.state == "open"
        now_s = due_s or now_s
    assert now_s <= 60.0
