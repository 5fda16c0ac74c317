"""The judge: the same decisions, however the log is cut and wherever a worker dies."""

import random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from logs import TTL_S, accidents, build, happenings, worlds
from orders_log import with_orders
from random_rules import rule_sets
from worker_model import WorkerModel

from clinical.clock import TimeRules
from clinical.rules import LimitRule, RuleSet
from streams.contracts.frame import TICK_KEY

pytestmark = pytest.mark.usefixtures("engine")

few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
fewer = settings(few, max_examples=30)
seeds = st.integers(0, 2**32 - 1)


def comparable(state):
    """Return records without their position."""
    return {patient: record[9:] for patient, record in state.items()}


@fewer
@given(rules=rule_sets(), world=worlds(), seed=seeds, accidents=accidents)
@example(  # an order comes again for a patient who was known by older orders alone
    rules=RuleSet((LimitRule("rule-0", "hr", high=120),), responsibility=()),
    world=(
        TimeRules(recorded=True),
        build(happenings(random.Random(36122), 119), again_s_max=TTL_S - 20),
    ),
    seed=529280841,
    accidents=[],
)
def test_cuts_and_restarts_change_neither_alerts_nor_answers_nor_state_under_commands(
    rules, world, seed, accidents
):
    time, log = world
    log = with_orders(random.Random(seed), log, rules, time)
    whole, broken = WorkerModel(rules, time, TTL_S), WorkerModel(rules, time, TTL_S)
    whole.take(log)
    broken.work(log, accidents)
    assert broken.alerts == whole.alerts
    assert broken.answers == whole.answers
    assert comparable(broken.state()) == comparable(whole.state())


@few
@given(rules=rule_sets(), world=worlds(), accidents=accidents)
def test_cuts_and_restarts_change_neither_alerts_nor_state(rules, world, accidents):
    time, log = world
    whole = WorkerModel(rules, time, TTL_S)
    whole.take(log)
    broken = WorkerModel(rules, time, TTL_S)
    broken.work(log, accidents)
    assert broken.alerts == whole.alerts
    assert comparable(broken.state()) == comparable(whole.state())


@few
@given(rules=rule_sets(), world=worlds())
def test_judging_record_by_record_tells_the_same_in_the_same_order(rules, world):
    time, log = world
    whole, single = WorkerModel(rules, time, TTL_S), WorkerModel(rules, time, TTL_S)
    whole.take(log)
    for record in log:
        single.take([record])
    assert list(map(repr, single.transitions)) == list(map(repr, whole.transitions))
    assert single.dropped == whole.dropped
    assert single.state() == whole.state()


@few
@given(rules=rule_sets(), world=worlds())
def test_every_record_sent_twice_changes_nothing(rules, world):
    time, log = world
    twice = [copy for record in log for copy in (record, record)]
    twice = [type(r)(i, r.timestamp, r.key, r.value) for i, r in enumerate(twice)]
    once, doubled = WorkerModel(rules, time), WorkerModel(rules, time)
    once.take(log)
    doubled.take(twice)
    assert doubled.alerts == once.alerts


@few
@given(rules=rule_sets(), world=worlds())
def test_every_frame_is_counted_once(rules, world):
    time, log = world
    worker = WorkerModel(rules, time)
    tally = worker.take(log).tally if log else None
    if tally:
        frames = sum(record.key != TICK_KEY for record in log) - len(worker.rejects)
        assert tally.frames == frames
        assert tally.ticks == sum(record.key == TICK_KEY for record in log)


@few
@given(rules=rule_sets(), world=worlds(late_s=(0,), steps_s=(1, 2, 5, 9, 16, 40)))
def test_every_event_of_an_alarm_has_an_id_of_its_own(rules, world):
    time, log = world
    worker = WorkerModel(rules, time)
    worker.take(log)
    assert len(worker.alerts) == len(worker.transitions)
