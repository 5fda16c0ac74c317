import numpy as np
import pytest

from bench.peers.defaults import NEWS2
from bench.peers.reference import starts
from bench.suite.arrivals import AT_ONCE, DELAYED, FIELDS, FLOOD_FRAMES, SLOT_MS, Plan, planted, schedule
from bench.suite.driver import FRAMES_MAX, check_plan
from bench.suite.systems import RULES, rules_file
from bench.suite.wire import patient_id
from edge.burst import Burst
from streams.config.rules_file import parse_rules
from streams.errors import UsageError

PLAN = Plan(500, 20, (Burst(10, 12, 2),), flood_at_s=17, flood_s=2, patients=300, onsets_max=200)


def test_a_plan_gives_the_same_schedule_every_time_and_another_one_in_its_next_step():
    one, two = schedule(PLAN), schedule(PLAN)
    assert np.array_equal(one.values, two.values)
    assert np.array_equal(one.planned_ms, two.planned_ms)
    later = schedule(Plan(500, 20, patients=300, step=1))
    assert later.patient.max() > one.patient.max()


def test_arrivals_follow_the_rate_and_its_burst_on_the_grid():
    frames = schedule(Plan(500, 20, (Burst(10, 12, 2),), patients=300))
    per_second = np.bincount(frames.planned_ms // 1000, minlength=20)
    assert (np.diff(frames.planned_ms) >= 0).all()
    assert not (frames.planned_ms % SLOT_MS).any()
    assert per_second[12:14].sum() == pytest.approx(10_000, rel=0.1)
    assert per_second[2:10].sum() == pytest.approx(4_000, rel=0.2)
    # a Poisson process: the variance of counts is their mean
    fine = np.bincount(frames.planned_ms[frames.planned_ms < 10_000] // 20)
    assert fine.var() == pytest.approx(fine.mean(), rel=0.35)


def test_what_is_planted_is_exactly_what_the_reference_starts():
    frames, onsets = schedule(PLAN), planted(PLAN)
    records = (
        {"patient": patient_id(patient).decode(), "event_ts_ms": event}
        | dict(zip(FIELDS, values, strict=True))
        for patient, event, values in zip(
            frames.patient.tolist(), frames.event_ms.tolist(), frames.values.tolist(), strict=True
        )
    )
    told = {
        (alert.patient, alert.rule, alert.event_ts_ms)
        for alert in starts(RULES, NEWS2, records)
        if alert.rule == AT_ONCE.id or (alert.rule == DELAYED.id and alert.value < 200)
    }
    expected = {
        (patient_id(patient).decode(), rule, event)
        for patient, rule, event in zip(
            onsets.patient.tolist(), onsets.rule, onsets.event_ms.tolist(), strict=True
        )
    }
    assert {rule for _, rule, _ in expected} == {AT_ONCE.id, DELAYED.id}
    assert expected == told


def test_a_reconnect_brings_old_frames_in_order_all_at_once():
    frames, onsets = schedule(PLAN), planted(PLAN)
    held_back = frames.event_ms < frames.planned_ms
    assert held_back.sum() == 500 * 2 // FLOOD_FRAMES * (FLOOD_FRAMES - 1)
    assert set(frames.planned_ms[held_back] // 500) == {34}
    device = frames.event_ms[frames.patient == frames.patient[held_back][0]]
    assert (np.diff(device) == 1000).all()
    assert (onsets.planned_ms >= onsets.event_ms).all()


def test_every_value_has_the_digits_that_it_is_written_with():
    frames = schedule(PLAN)
    assert (frames.values[:, 4] >= 100).all()
    assert (frames.values[:, 4] <= 999).all()
    assert (np.delete(frames.values, 4, axis=1) >= 10).all()
    assert (np.delete(frames.values, 4, axis=1) <= 99).all()


def test_a_plan_beyond_the_drivers_memory_is_refused():
    with pytest.raises(UsageError, match="GB"):
        check_plan(Plan(FRAMES_MAX, 2))


def test_vigil_is_given_the_very_rules_of_its_peers():
    rules = parse_rules(rules_file(), "rules.toml")
    assert [(rule.id, rule.signal, rule.low, rule.high) for rule in rules.limits] == [
        (rule.id, rule.signal, rule.low, rule.high) for rule in RULES
    ]
    assert [round(rule.delay_s * 1000) for rule in rules.limits] == [rule.delay_ms for rule in RULES]
    assert [round(rule.clear_delay_s * 1000) for rule in rules.limits] == [
        rule.clear_delay_ms for rule in RULES
    ]
    assert not rules.technical.enabled
    assert (rules.news2.inputs_min, rules.news2.delay_s) == (NEWS2.inputs_min, NEWS2.delay_ms / 1000)
