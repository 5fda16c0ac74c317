"""A babbling device is judged a few times a second, so that it does not hold up its partition; nothing else is."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from logs import frame_record, tick_record
from plain.house import House
from worker_model import WorkerModel

from agents.judging.reasons import Reason
from agents.judging.shedding import LOOK_MS, surplus
from clinical.rules import LimitRule, RuleSet, TechnicalRules
from clinical.vitals import ABSENT, COUNT, INDEX
from tables.latest import latest

RULES = RuleSet(
    (
        LimitRule("hr-high", "hr", high=120, delay_s=2),
        LimitRule("spo2-low", "spo2", low=88, delay_s=2),
        LimitRule("hr-extreme", "hr", high=180, delay_s=0, priority="high"),
    ),
    technical=TechnicalRules(device_fault_s=10),
)
BABBLING_S = 100
"""From here on the alarm stands: the device floods from 30 s on."""
END_S = 130


def flood(rate_hz, wild_from_s=1_000, seed=1):
    """Return a log in which bed-1's monitor floods, another device of bed-1 and all of bed-2 do not."""
    rng, log, seq = random.Random(seed), [], 0

    def frame(at_ms, patient, device, number, **signals):
        fields = signals | {"device": device, "seq": number, "event_ms": at_ms, "interval_ms": 1000}
        log.append(frame_record(len(log), at_ms, patient, **fields))

    for at_s in range(END_S):
        for i in range(rate_hz if at_s >= 30 else 1):
            at_ms = at_s * 1000 + i * 1000 // rate_hz
            hr = 70 if at_s < wild_from_s or at_ms % 5_417 < 2_000 else rng.choice((150, 151, 160))
            frame(at_ms, "bed-1", "monitor", seq, hr=hr)
            seq += 1
        frame(at_s * 1000 + 990, "bed-1", "oximeter", at_s, spo2=97 if at_s < 110 else 85)
        frame(at_s * 1000 + 995, "bed-2", "monitor", at_s, hr=70)
        log.append(tick_record(len(log), at_s * 1000 + 1000))
    return log


def judged(log):
    worker = WorkerModel(RULES)
    for record in log:
        worker.take([record])
    return worker


@pytest.fixture(scope="module")
def quiet():
    return judged(flood(40))


def test_a_babbling_device_is_judged_a_few_times_a_second_and_the_rest_is_counted(quiet):
    surplus_ = sum(tally.of(Reason.SURPLUS) for tally in quiet.tallies)
    frames = sum(tally.judged for tally in quiet.tallies) + surplus_
    assert frames == 30 + 40 * (END_S - 30) + 2 * END_S
    begun_s = next(a.append_ts_ms for a in quiet.alerts.values() if a.rule == "babbling-device") // 1000
    assert begun_s <= BABBLING_S
    looks = -(-1000 // LOOK_MS)
    assert surplus_ >= (END_S - begun_s) * (40 - looks - 1)
    assert sum(tally.of(Reason.SURPLUS) for tally in quiet.tallies[: 31 * 3]) == 0


def test_the_other_device_of_the_patient_is_judged_whole(quiet):
    start = next(a for a in quiet.alerts.values() if a.rule == "spo2-low" and a.phase == "start")
    assert (start.onset_ts_ms, start.event_ts_ms) == (110_990, 112_990)


def test_an_extreme_is_seen_within_a_look():
    log = flood(100, wild_from_s=1_000)
    at = next(i for i, r in enumerate(log) if r.timestamp >= 120_000)
    crossing_ms = log[at].timestamp
    for i in range(at, len(log)):
        record = log[i]
        if record.key == b"bed-1" and b'"hr"' in record.value:
            log[i] = type(record)(
                record.offset, record.timestamp, record.key, record.value.replace(b'"hr": 70', b'"hr": 190')
            )
    assert b"190" in b"".join(record.value for record in log[at:])
    starts = [a for a in judged(log).alerts.values() if a.rule == "hr-extreme" and a.phase == "start"]
    assert len(starts) == 1
    assert 0 <= starts[0].event_ts_ms - crossing_ms <= LOOK_MS


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 1 << 20), st.sampled_from(["checkpoint", "restart", "torn"]))
def test_what_is_left_out_does_not_depend_on_blocks_and_restarts(seed, accident):
    rng = random.Random(seed)
    log = flood(12, wild_from_s=60, seed=seed)
    whole, broken = WorkerModel(RULES), WorkerModel(RULES)
    whole.take(log)
    cuts = sorted(rng.sample(range(len(log)), 30))
    broken.work(log, [(cut, rng.choice(("checkpoint", accident)), rng.randrange(2)) for cut in cuts])
    assert sum(tally.of(Reason.SURPLUS) for tally in whole.tallies) > 100
    assert broken.alerts == whole.alerts
    for patient, row in whole.table.row_of.items():
        other = broken.table.row_of[patient]
        one, same = latest(broken.table, np.array([other])), latest(whole.table, np.array([row]))
        np.testing.assert_array_equal(one.value, same.value)
        np.testing.assert_array_equal(one.value_ms, same.value_ms)


def test_the_plain_reference_leaves_out_the_same_frames():
    log = flood(12, wild_from_s=60)
    worker, house = judged(log), House(RULES, recorded=True, patient_ttl_s=3600)
    for record in log:
        house.take(record)
    assert sum(tally.of(Reason.SURPLUS) for tally in worker.tallies) > 100
    assert worker.told() == house.told


def test_a_frame_is_left_out_only_when_all_that_it_carries_was_judged_just_now():
    values = np.full((5, COUNT), ABSENT)
    values[:, INDEX["hr"]] = 80
    values[2, INDEX["spo2"]] = 97
    values[3] = ABSENT  # carries nothing: there is nothing to leave out
    now = np.array([1000, 1000 + LOOK_MS - 1, 1010, 1010, 1000 + LOOK_MS])
    rows, interval, never = np.zeros(5, np.int64), np.full(5, 1000), np.full((5, COUNT), -1_000_000)
    none = np.full((5, COUNT), np.nan)
    # The third is judged for its saturation, and its heart rate counts as judged with it.
    order = np.array([0, 2, 1, 3, 4])
    found = surplus(rows, values[order], now[order], interval, never, none)
    assert found.tolist() == [False, False, True, False, True]
    fast = surplus(rows, values[order], now[order], np.full(5, 10), never, none)
    assert fast.tolist() == [False, False, False, False, True]  # 1 ms after the one before it


def test_an_alarm_that_the_device_reports_in_one_frame_only_is_not_left_out():
    values = np.full((5, COUNT), ABSENT)
    values[:, INDEX["hr"]] = 80
    values[:, INDEX["asystole"]] = (0, 0, 1, 1, 0)
    now, rows = 1000 + np.arange(5), np.zeros(5, np.int64)
    never, none = np.full((5, COUNT), -1_000_000), np.full((5, COUNT), np.nan)
    found = surplus(rows, values, now, np.full(5, 1000), never, none)
    assert found.tolist() == [False, True, False, True, True]
