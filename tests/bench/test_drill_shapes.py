"""What devices do in a run of many faults: trouble when the plan says so, and at no other time."""

import json

from bench.drills.shapes import BACK_NAME, DISORDER, HOT, HOT_NAME, HOT_TIMES, POISON, SHAPES
from bench.drills.ward import LoadPlan, Ward
from streams.contracts.frame import TICK_KEY

START_MS = 1_700_000_000_000
SPANS = ((POISON, 10.0, 20.0), (DISORDER, 25.0, 35.0), (HOT, 40.0, 41.0))


def plan(shape, troubles=()):
    return LoadPlan("none:1", "readings", 4, 60.0, 40.0, 40, 7, START_MS, shape, troubles)


def sent(shape, troubles=()):
    return list(SHAPES[shape](Ward(plan(shape, troubles))))


def whole(due):
    """Return the frame of a record, None when it is none."""
    try:
        frame = json.loads(due.value)
    except (TypeError, ValueError, RecursionError):
        return None
    good = isinstance(frame, dict) and {"patient", "seq"} <= frame.keys() and frame["seq"] >= 0
    return (
        frame if good and due.key not in (None, TICK_KEY) and frame["patient"].encode() == due.key else None
    )


def test_without_troubles_every_device_sends_what_it_sends_without_a_fault():
    assert sent("troubled") == sent("plain")


def test_the_same_plan_sends_the_same_records():
    assert sent("troubled", SPANS) == sent("troubled", SPANS)


def test_records_are_malformed_in_the_time_that_the_plan_says():
    times = [due.due_s for due in sent("troubled", SPANS) if whole(due) is None]
    assert times
    assert min(times) >= 10.0
    assert max(times) < 20.0


def test_frames_are_repeated_in_the_time_that_the_plan_says_and_clocks_are_right_again_after_it():
    found = sent("troubled", [SPANS[1]])
    usual = {due.value for due in sent("plain")}
    strange = [
        whole(due)["event_ts_ms"] / 1000 - START_MS / 1000 - due.due_s
        for due in found
        if due.value not in usual
    ]
    assert max(strange) > 1_000
    assert min(strange) < -60
    assert all(due.value in usual for due in found if due.due_s < 25.0)
    values = [due.value for due in found if due.value in usual]
    assert len(values) > len(set(values))
    late = {due.value for due in found if due.due_s > 36.0 + 5.0}
    right = [value for value in late if value in usual]
    assert len(right) > len(late) * 0.9


def test_one_device_runs_hot_in_the_time_that_the_plan_says():
    times = [due.due_s for due in sent("troubled", SPANS) if due.key == HOT_NAME.encode()]
    assert len(times) == HOT_TIMES
    assert min(times) >= 40.0
    assert max(times) < 41.0


def test_a_device_that_runs_hot_again_says_that_it_was_switched_on_again():
    frames = [
        whole(due) for due in sent("troubled", [(HOT, 5.0, 6.0), (HOT, 50.0, 51.0)]) if due.key == b"hot-0"
    ]
    numbers = [(frame["boot"], frame["seq"]) for frame in frames]
    assert numbers == sorted(set(numbers))
    assert {boot for boot, _ in numbers} == {1, 2}
    assert not BACK_NAME.startswith(HOT_NAME)
