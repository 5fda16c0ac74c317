"""The watchdog on a clock that the test turns."""

import threading

import pytest

from agents.health.watchdog import DRAIN_SLOW_S, MEMBERSHIP_S_MAX, Watchdog

STALL_S_MAX = 30.0
DEADLINE_S = 10.0


class Clock:
    def __init__(self):
        self.now_s = 1_000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def stalls():
    return []


@pytest.fixture
def dog(clock, stalls):
    return Watchdog(STALL_S_MAX, stalls.append, clock)


def test_signs_that_are_renewed_in_time_raise_nothing(dog, clock, stalls):
    for _ in range(10):
        dog.alive("event loop")
        clock.now_s += STALL_S_MAX
        dog.check()
    assert stalls == []


def test_a_sign_that_grows_too_old_is_reported_with_its_name_and_age(dog, clock, stalls):
    dog.alive("event loop")
    dog.alive("judging of partition 3")
    clock.now_s += STALL_S_MAX
    dog.alive("event loop")
    clock.now_s += 1
    dog.check()
    assert stalls == ["judging of partition 3: no sign of life for 31 s"]


def test_before_the_first_sign_nothing_is_expected(dog, clock, stalls):
    clock.now_s += 10 * STALL_S_MAX
    dog.check()
    assert stalls == []


def test_a_sign_that_is_forgotten_is_expected_no_more(dog, clock, stalls):
    dog.alive("judging of partition 3")
    dog.forget("judging of partition 3")
    dog.forget("judging of partition 4")
    clock.now_s += 2 * STALL_S_MAX
    dog.check()
    assert stalls == []


def test_its_thread_reports_a_loop_that_is_stuck(clock):
    stuck = threading.Event()
    dog = Watchdog(STALL_S_MAX / 1_000, lambda _: stuck.set(), clock)
    dog.alive("event loop")
    dog.start(str)
    try:
        clock.now_s += 1
        assert stuck.wait(DEADLINE_S)
    finally:
        dog.stop()
        dog._thread.join(DEADLINE_S)
    assert not dog._thread.is_alive()


def test_its_thread_does_not_keep_the_process_alive(dog):
    assert dog._thread.daemon


def test_a_sign_may_have_a_bound_of_its_own(dog, clock, stalls):
    dog.alive("slow", within_s=50)
    clock.now_s += 50
    dog.check()
    assert stalls == []
    clock.now_s += 1
    dog.check()
    assert stalls == ["slow: no sign of life for 51 s"]


def test_a_worker_that_never_comes_to_own_anything_is_stuck(dog, clock, stalls):
    dog.start(str)
    dog.stop()
    for _ in range(3):
        clock.now_s += MEMBERSHIP_S_MAX
        dog.check()
        assert stalls == []
        dog.member()
    clock.now_s += MEMBERSHIP_S_MAX + 1
    dog.check()
    assert stalls == ["membership in the group: no sign of life for 61 s"]


def test_a_slow_drain_says_once_what_it_waits_for(dog, clock, stalls, caplog):
    dog.start(lambda: "waits for a commit")
    dog.stop()
    dog.draining()
    clock.now_s += DRAIN_SLOW_S
    dog.check()
    assert not caplog.messages
    for _ in range(3):
        clock.now_s += 1
        dog.check()
    assert caplog.messages == ["the drain has taken 13 s so far:\nwaits for a commit"]
    assert stalls == []


def test_what_is_stuck_is_said_before_it_is_reported(dog, clock, stalls, caplog):
    dog.start(lambda: f"waits for a socket, {len(stalls)} reported")
    dog.stop()
    dog.alive("event loop")
    clock.now_s += STALL_S_MAX + 1
    dog.check()
    assert caplog.messages == ["event loop: no sign of life for 31 s:\nwaits for a socket, 0 reported"]


def test_it_is_reported_also_when_nobody_can_say_where_it_is(dog, clock, stalls, caplog):
    def changing():
        raise RuntimeError("set changed size during iteration")

    dog.start(changing)
    dog.stop()
    dog.alive("event loop")
    clock.now_s += STALL_S_MAX + 1
    dog.check()
    assert stalls == ["event loop: no sign of life for 31 s"]
    assert "set changed size" in caplog.text
