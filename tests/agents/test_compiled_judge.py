"""The compiled judge beside NumPy's: the same transitions, counts and state to the last bit, however a log is cut."""

import random
from collections import Counter

import pytest
from engines import ENGINES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from logs import TTL_S, accidents, frame_record, seconds, tick_record, worlds
from moods_log import moody_worlds
from orders_log import with_orders
from random_rules import rule_sets
from worker_model import WorkerModel

from clinical.clock import TimeRules
from clinical.defaults import DEFAULT_RULES
from clinical.kernels.judge_frames import judge_frames

few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
seeds = st.integers(0, 2**32 - 1)


def columns(table):
    """Return every column of a table, to the last bit."""
    filled, devices, windows = table._pool.filled, table.devices, table.windows
    found = {name: getattr(table, name)[:filled].tobytes() for name in table.COLUMNS}
    found |= {
        f"devices.{name}": getattr(devices, name)[: devices._pool.filled].tobytes()
        for name in devices.COLUMNS
    }
    for name in ("bucket", "count", "sum", "low", "high"):
        found[f"windows.{name}"] = getattr(windows, name)[:, :filled].tobytes()
    return found


def assert_same(workers):
    first, *others = (
        (list(map(repr, worker.transitions)), worker.answers, worker.tallies, worker.state())
        for worker in workers
    )
    assert all(other == first for other in others)
    one, two = (columns(worker.table) for worker in workers)
    assert [name for name in one if one[name] != two[name]] == []


def judge_both(rules, time, log, befalls=(), ttl_s=TTL_S):
    workers = [WorkerModel(rules, time, ttl_s, engine=engine) for engine in ENGINES]
    for worker in workers:
        worker.work(log, befalls)
    assert_same(workers)
    return workers


@few
@given(rules=rule_sets(), world=worlds(), seed=seeds, befalls=accidents)
def test_random_logs_with_commands_cuts_and_restarts(rules, world, seed, befalls):
    time, log = world
    judge_both(rules, time, with_orders(random.Random(seed), log, rules, time), befalls)


@few
@given(rules=rule_sets(), world=moody_worlds(), seed=seeds, befalls=accidents)
def test_wards_that_fall_ill_babble_and_are_badly_measured(rules, world, seed, befalls):
    time, log = world
    judge_both(rules, time, with_orders(random.Random(seed), log, rules, time), befalls)


def numbered(rng, length):
    """Return frames whose numbers jump, repeat, wrap and begin again under two boots; a tick now and then."""
    found, seq, boot, now = [], 0, 0, 10**9
    for offset in range(length):
        now += rng.choice((0, 500, 1000, 1000, 31_000))
        if rng.random() < 0.1:
            found.append(tick_record(offset, now))
            continue
        seq = max(0, seq + rng.choice((1, 1, 1, 1, 0, -1, -5, 126, 127, 128, 129, 300, -127, -128, -400)))
        boot = rng.choice((boot, boot, boot, boot, boot, boot, boot + 1, max(0, boot - 1)))
        event_ms = now + rng.choice((0, 0, 0, 0, -1000, -70_000, -2_000_000, 6_000))
        signals = {"hr": rng.choice((80, 80, 80, 180, None)), "spo2": rng.choice((97, 97, 60))}
        found.append(frame_record(offset, now, seq=seq, boot=boot, event_ms=event_ms, **signals))
    return found


@few
@given(rules=rule_sets(), seed=seeds, length=st.integers(1, 200), befalls=accidents, recorded=st.booleans())
def test_numbers_that_jump_and_clocks_that_step(rules, seed, length, befalls, recorded):
    judge_both(rules, TimeRules(recorded=recorded), numbered(random.Random(seed), length), befalls)


def crowded(rng, length):
    """Return frames of ever more patients, the first of whom has more devices than are remembered."""
    found, seq = [], Counter()
    for offset in range(length):
        patient = f"bed-{rng.randrange(offset // 4 + 1)}"
        device = f"mon-{rng.randrange(20)}" if patient == "bed-0" or rng.random() < 0.1 else "mon"
        seq[patient, device] += 1
        signals = {"hr": rng.choice((80, 80, 180)), "spo2": rng.choice((97, 60, None))}
        found.append(
            frame_record(
                offset,
                10**9 + offset * 300,
                patient,
                device=device,
                seq=seq[patient, device],
                event_ms=10**9 + offset * 300,
                **signals,
            )
        )
    return found


@pytest.mark.parametrize("size", [1, 7, 90, 1000])
def test_tables_that_grow_and_devices_that_push_one_another_out(size):
    log = crowded(random.Random(size), 1000)
    judge_both(DEFAULT_RULES, TimeRules(), log, [(end, "cut", 0) for end in range(size, 1000, size)])


def test_a_block_of_one_frame_and_a_large_one_compile_nothing_anew():
    worker = WorkerModel(DEFAULT_RULES, engine="numba")
    log = seconds([80] * 500)
    for size, start in ((1, 0), (2, 1), (400, 3), (97, 403)):
        worker.take(log[start : start + size])
    assert worker.tallies[-1].judged
    assert len(judge_frames.signatures) == 1
