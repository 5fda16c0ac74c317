"""The judge against the plain reference in `plain/`: every alarm and its order, what boards show afterwards, answers.

Over random logs: late, repeated and impossible readings, wrong clocks, silence, commands, restarts in the middle.
"""

import random
from dataclasses import replace
from operator import attrgetter, itemgetter

import pytest
from board_model import BoardModel
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from logs import TTL_S, accidents, worlds
from moods_log import MOODS, PATIENTS, moody_worlds
from orders_log import KINDS, KNOWING, admissions, with_forgeries, with_orders
from plain.house import House
from plain.shown import shown, without_words
from random_rules import rule_sets
from wards_model import PlainHospital, spread
from worker_model import WorkerModel

from agents.judging.verdict import Verdict
from agents.judging.ward_log import WardLog
from agents.wards.counts import due
from clinical.limits import NEVER
from clinical.rules import News2Rules, TechnicalRules
from streams.contracts import topics
from streams.contracts.partition_names import PARTITION

pytestmark = pytest.mark.usefixtures("engine")

few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
seeds = st.integers(0, 2**32 - 1)
untorn = accidents.map(lambda befalls: [one for one in befalls if one[1] != "torn"])
"""A worker that dies in the midst of a checkpoint may let in others until the next one (docs/alarms.md)."""


def without_wards(rules):
    return replace(rules, technical=replace(rules.technical, ward_silent=False))


def without_scores(rules):
    return replace(rules, news2=News2Rules(enabled=False), scores=(), trends=(), drifts=())


def only_limits(rules):
    return replace(without_scores(rules), technical=replace(rules.technical, enabled=False))


def only_scores(rules):
    return replace(rules, limits=rules.limits[:1], trends=(), drifts=(), technical=QUIET)


def only_courses(rules):
    return replace(
        rules, limits=rules.limits[:1], news2=News2Rules(enabled=False), scores=(), technical=QUIET
    )


QUIET = TechnicalRules(enabled=False)


def assert_told_alike(rules, world, seed=None, befalls=(), ttl_s=86_400, share=0.2, kinds=KINDS, **place):
    """Judge one log with a worker to whom something may happen, and plainly."""
    time, log = world
    if seed is not None:
        log = with_orders(random.Random(seed), log, rules, time, ttl_s, share, kinds, **place)
    house = House(rules, time.recorded, ttl_s, **place)
    for record in log:
        house.take(record)
    assert_judged_alike(rules, time, log, house, befalls, ttl_s, **place)


def assert_judged_alike(rules, time, log, house, befalls=(), ttl_s=86_400, **place):
    """Judge a log with a worker to whom something may happen; `house` has judged it plainly."""
    worker = WorkerModel(rules, time, ttl_s, **place)
    worker.work(log, befalls)
    told, command = attrgetter("id"), itemgetter(1)
    assert first_of_each(worker.told(), told) == first_of_each(house.told, told)
    assert worker.outcomes() == first_of_each(house.answers, command)
    assert shown_by(worker) == {bed.name: shown(house, bed) for bed in house.beds.values()}


def first_of_each(found, name):
    """Return the first of what has the same name.

    What a worker has told before it died is told again, under the same id; a command for somebody who is unknown is
    remembered nowhere and refused again.
    """
    first = {}
    for one in found:
        first.setdefault(name(one), one)
    return list(first.values())


def shown_by(worker):
    """Return what boards show of every patient."""
    verdict = Verdict(profiled=[name for name in worker.table.row_of if not name.startswith(PARTITION)])
    written = BoardModel(worker.judge).show(worker.table, verdict)
    return {name: without_words(one) for (topic, name), one in written.items() if topic == topics.PATIENTS}


@few
@given(rules=rule_sets().map(only_limits), world=worlds(), seed=seeds)
def test_limit_alarms(rules, world, seed):
    assert_told_alike(rules, world, seed)


@few
@given(
    rules=rule_sets().map(only_limits),
    world=worlds(late_s=(0,), steps_s=(1, 5, 40, 320, 900, 4000)),
    seed=seeds,
    befalls=accidents,
)
def test_limit_alarms_on_what_is_not_measured_for_long(rules, world, seed, befalls):
    assert_told_alike(rules, world, seed, befalls, ttl_s=10**6)


@few
@given(
    rules=rule_sets().map(only_limits),
    world=worlds(late_s=(0,), steps_s=(0, 1, 1, 2, 5, 20, 70), ticks_late_s=(0,)),
    seed=seeds,
    befalls=accidents,
)
def test_what_somebody_knows_of_what_is_paused_and_limits_of_one_s_own(rules, world, seed, befalls):
    assert_told_alike(rules, world, seed, befalls, share=0.4, kinds=KNOWING)


@few
@given(rules=rule_sets().map(without_wards).map(without_scores), world=moody_worlds())
def test_silence_lost_signals_and_devices_that_are_not_believed(rules, world):
    assert_told_alike(rules, world)


@few
@given(rules=rule_sets().map(only_scores), world=moody_worlds(), seed=seeds)
def test_scores(rules, world, seed):
    assert_told_alike(rules, world, seed)


steady = moody_worlds(("bed-1",), 200, steps_s=(5, 9, 15), edges_s=(5, 30), moods=MOODS[:4])


@few
@given(rules=rule_sets().map(only_courses), world=steady)
def test_trends_and_drifts(rules, world):
    assert_told_alike(rules, world)


@few
@given(rules=rule_sets().map(without_wards), world=moody_worlds(), seed=seeds, befalls=accidents)
def test_all_alarms_under_commands_where_patients_leave_and_workers_die(rules, world, seed, befalls):
    assert_told_alike(rules, world, seed, befalls, TTL_S)


together = st.one_of(
    moody_worlds(PATIENTS, 200, steps_s=(0, 0, 0, 1, 1, 5), edges_s=(10, 15, 55, 60, 120), gateway=0.8),
    moody_worlds(PATIENTS, 300, steps_s=(0, 0, 0, 1, 1, 5, 9), edges_s=(5, 10, 15, 20), gateway=0.8),
)


@few
@given(
    rules=rule_sets().map(without_scores),
    world=together,
    seed=seeds,
    befalls=accidents,
    count=st.integers(1, 4),
)
def test_wards(rules, world, seed, befalls, count):
    time, log = world
    rules, rng = replace(rules, limits=rules.limits[:1]), random.Random(seed)
    hospital = PlainHospital(rules, time, count, rng)
    spread(hospital, with_orders(rng, log, rules, time), admissions(PATIENTS, "icu"))
    for partition, house in enumerate(hospital.houses):
        assert_judged_alike(rules, time, hospital.logs[partition], house, befalls)
        assert_counted_alike(rules, time, partition, hospital)
    assert_decided_alike(rules, time, hospital)


def assert_counted_alike(rules, time, partition, hospital):
    """Judge a partition's log record by record: it says of its wards what the plain judge says."""
    worker, said, reports = WorkerModel(rules, time, 86_400), {}, []
    for record in hospital.logs[partition]:
        verdict = worker.take([record])
        if verdict.counted_ms != NEVER:
            reports += due(partition, said, verdict.counts, verdict.counted_ms)
    assert [
        (r.ward, r.tick_ts_ms, r.patients, r.silent, r.first_ts_ms, r.last_ts_ms) for r in reports
    ] == hospital.houses[partition].silences.reports


def assert_decided_alike(rules, time, hospital):
    """Judge the log of the wards' topic in one go."""
    worker = WorkerModel(rules, time)
    ids = [alarm.id for alarm in worker.judge.alarms]
    found = WardLog(0, (ids.index("ward-silent"), ids.index("break-glass")), time.recorded).take(
        hospital.wards_log
    )
    worker.transitions += found.transitions
    assert worker.told() == hospital.wards.telling.told
    rulings = [(partition, ruling.ward, ruling.lost) for partition, ruling in found.rulings]
    assert rulings == hospital.wards.rulings
    assert [(a.offset, a.id, a.outcome) for a in found.answers] == hospital.wards.answers
    assert not found.rejects


crowded = moody_worlds(("bed-1", "bed-2", *(f"guest-{n}" for n in range(7))), 150, steps_s=(1, 5, 15, 40, 90))
places = st.fixed_dictionaries({"partitions": st.sampled_from((1, 2, 3)), "patients_max": st.integers(1, 8)})


@few
@given(rules=rule_sets().map(without_wards), world=crowded, seed=seeds, befalls=untorn, place=places)
def test_too_many_patients_patients_in_the_wrong_partition_and_orders_without_proof(
    rules, world, seed, befalls, place
):
    time, log = world
    log = with_forgeries(random.Random(seed), log)
    assert_told_alike(without_scores(rules), (time, log), seed, befalls, TTL_S, **place)


@few
@given(rules=rule_sets().map(without_wards), world=crowded, seed=seeds, befalls=accidents, place=places)
def test_who_is_let_in_hangs_on_the_place_in_the_log_though_the_recovered_table_knows_later_patients(
    rules, world, seed, befalls, place
):
    assert_told_alike(without_scores(rules), world, seed, befalls, ttl_s=10**6, **place)
