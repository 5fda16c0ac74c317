"""The plain reference of the bench's work beside the engine's own decisions, on random streams."""

import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.peers.defaults import LIMITS, NEWS2
from bench.peers.reference import (
    PULSE,
    RESP,
    SPO2,
    SYSTOLIC,
    Alert,
    alerts,
    level_of,
    score_news2,
    starts,
)
from bench.peers.spec import MARKER, SIGNALS, Limit, News2, Spec
from clinical.compiled_limits import compile_limits
from clinical.lifecycle import PHASE_NAMES, Phase, State
from clinical.limits import NEVER, NONE_SUPPRESSED, Alarms, Runs, Samples, step
from clinical.rules import LimitRule, News2Rules
from clinical.scores import news2
from clinical.ticking import LEVELS, TickState, judge_band
from clinical.vitals import ABSENT, COUNT, INDEX

NO_SCORE = News2("news2", inputs_min=99, delay_ms=0, every_ms=5_000)
NAN = float("nan")

readings = st.one_of(st.none(), st.integers(0, 260), st.floats(0, 260, allow_nan=False))
near_limits = st.sampled_from([None, 38, 49.9, 50, 55, 80, 89.9, 90, 92, 115, 115.1, 120, 120.1, 141, 251])
signals = st.dictionaries(st.sampled_from(SIGNALS), st.one_of(readings, near_limits))
frames = st.lists(st.tuples(st.integers(0, 6_000), signals), max_size=40)
FREE = np.array([NONE_SUPPRESSED])


def stream(steps, patient="bed"):
    """Give each frame its time: so many ms after the one before."""
    now_ms, told = 1_700_000_000_000, []
    for wait_ms, values in steps:
        now_ms += wait_ms
        told.append({"patient": patient, "event_ts_ms": now_ms, **values})
    return told


def engine_limits(limits, told):
    """Return what the engine's own step reports of one patient's frames."""
    rules = [
        LimitRule(r.id, r.signal, r.low, r.high, r.delay_ms / 1000, r.clear_margin, r.clear_delay_ms / 1000)
        for r in limits
    ]
    shape = (1, len(rules))
    never, none = np.full(shape, NEVER, np.int64), np.zeros(shape)
    alarms = Alarms(np.zeros(shape, np.uint8), never, never, np.full(shape, NAN), np.zeros(shape, np.uint8))
    runs = Runs(never, never, none, none)
    compiled, found = compile_limits(rules), []
    unknown, one_ms = np.full((1, COUNT), NAN), np.ones(1, np.int64)
    unseen, no_gap = np.full((1, COUNT), NEVER, np.int64), np.zeros((1, COUNT), np.int64)
    for frame in told:
        values = np.full((1, COUNT), ABSENT)
        for name in set(SIGNALS) & set(frame):
            values[0, INDEX[name]] = NAN if frame[name] is None else frame[name]
        now_ms = np.array([frame["event_ts_ms"]])
        samples = Samples(values, values != ABSENT, now_ms, one_ms, unknown, unseen, no_gap)
        result = step(compiled, alarms, runs, samples, FREE)
        alarms, runs = result.alarms, result.runs
        for column in np.flatnonzero(result.phase[0] != Phase.NONE):
            phase, onset = PHASE_NAMES[Phase(result.phase[0, column])], int(result.onset_ms[0, column])
            value = frame[rules[column].signal]
            found.append(Alert("bed", rules[column].id, phase, onset, frame["event_ts_ms"], value))
    return found


@given(frames)
def test_the_reference_judges_limits_as_the_engine_does(steps):
    told = stream(steps)
    assert list(alerts(LIMITS, NO_SCORE, told)) == engine_limits(LIMITS, told)


@given(frames, st.integers(0, 12_000), st.integers(0, 12_000), st.floats(0, 20))
def test_it_does_with_any_delays_and_margins(steps, delay_ms, clear_delay_ms, margin):
    limits = [
        Limit("both", "hr", 50.0, 120.0, delay_ms, margin, clear_delay_ms),
        Limit("low", "spo2", 90.0, None, delay_ms, margin, clear_delay_ms),
    ]
    told = stream(steps)
    assert list(alerts(limits, NO_SCORE, told)) == engine_limits(limits, told)


def array(value):
    return np.array([NAN if value is None else float(value)])


SCORED = ("resp", "spo2", "abp_sys", "pulse", "hr")
EDGES = sorted(edge for chart in (RESP, SPO2, SYSTOLIC, PULSE) for edge, _ in chart[:-1])
near_edges = st.builds(operator.add, st.sampled_from(EDGES), st.sampled_from([-0.5, 0, 0.49, 0.5, 0.6, 1]))


@given(st.dictionaries(st.sampled_from(SCORED), st.one_of(near_edges, st.floats(0, 300)), min_size=3))
def test_the_reference_scores_as_the_engine_does(values):
    pulse = values.get("pulse", values.get("hr"))
    given_values = [values.get("resp"), values.get("spo2"), values.get("abp_sys"), pulse]
    resp, spo2, sbp, heart = map(array, given_values)
    none = array(None)
    score = news2(resp, spo2, none, sbp, heart, none, none, np.array([False]))
    inputs = 4 - given_values.count(None)
    ours = score_news2(values, inputs_min=4)
    if inputs < 4:
        assert ours is None
    else:
        assert ours == (score.lower_bound[0], score.highest_single[0])
        assert level_of(*ours) == score.band[0]


def engine_band(levels, every_ms, delay_ms):
    """Return the phases that the engine's band judge reports when it scores at each stretch."""
    one = np.zeros(1, np.uint8)
    state, since_ms = TickState(one, one, np.array([NEVER])), np.full((1, LEVELS), NEVER)
    for index, level in enumerate(levels):
        now_ms = index * every_ms
        rule = News2Rules(delay_s=delay_ms / 1000)
        result = judge_band(rule, now_ms, state, since_ms, np.array([level]), FREE)
        state, since_ms = result.after, result.since_ms
        if result.phase[0] in (Phase.START, Phase.END):
            yield PHASE_NAMES[Phase(result.phase[0])], int(result.onset_ms[0]), now_ms
    assert state.state[0] in (State.NORMAL, State.ACTIVE)


SCORES = {0: 16, 1: 30, None: None}
"""Respiration rates that lead to a level, everything else being well: 30 a minute scores 3 points."""


@given(st.lists(st.sampled_from([0, 1]), max_size=30), st.sampled_from([0, 5_000, 10_000, 12_000]))
def test_the_reference_holds_a_level_as_the_engine_does(levels, delay_ms):
    well = {"spo2": 97, "abp_sys": 120, "pulse": 80}
    told = [
        {"patient": "bed", "event_ts_ms": index * 5_000, "resp": SCORES[level], **well}
        for index, level in enumerate(levels)
    ]
    found = alerts((), News2("news2", 4, delay_ms, 5_000), told)
    ours = [(alert.phase, alert.onset_ts_ms, alert.event_ts_ms) for alert in found]
    assert ours == list(engine_band(levels, 5_000, delay_ms))


def test_a_score_is_taken_once_in_each_stretch_of_event_time():
    ill = {"patient": "bed", "spo2": 80, "abp_sys": 120, "pulse": 80, "resp": 16}
    times = [4_000, 5_500, 9_999, 13_999, 14_500, 16_000]
    found = starts((), NEWS2, [{**ill, "event_ts_ms": at_ms} for at_ms in times])
    assert [(alert.onset_ts_ms, alert.event_ts_ms, alert.value) for alert in found] == [(4_000, 16_000, 3)]


def test_too_few_inputs_change_nothing():
    part = {"patient": "bed", "spo2": 80, "abp_sys": 120, "pulse": 80}
    assert starts((), NEWS2, [{**part, "event_ts_ms": at_ms} for at_ms in range(0, 60_000, 1_000)]) == []


def test_the_heart_rate_stands_in_for_a_pulse_that_was_never_seen():
    calm = {"resp": 16.0, "spo2": 97.0, "abp_sys": 120.0}
    assert score_news2({**calm, "hr": 131.0}, 4) == (3, 3)
    assert score_news2({**calm, "hr": 131.0, "pulse": 80.0}, 4) == (0, 0)


def test_patients_are_judged_apart():
    both = [
        {"patient": f"bed-{bed}", "event_ts_ms": at * 1000, "hr": (80, 130)[bed]}
        for at in range(12)
        for bed in (0, 1)
    ]
    assert starts(LIMITS, NEWS2, both) == [Alert("bed-1", "hr-high", "start", 0, 10_000, 130)]


def test_a_marker_starts_at_once_and_no_patient_of_the_load_reaches_it():
    told = [
        {"patient": "begin-0", "event_ts_ms": 1, "hr": 251},
        {"patient": "bed", "event_ts_ms": 1, "hr": 250},
    ]
    assert starts(LIMITS, NEWS2, told) == [Alert("begin-0", MARKER, "start", 1, 1, 251)]


def test_a_spec_is_read_as_it_was_written(tmp_path):
    folder = str(tmp_path)
    spec = Spec("localhost:1", "readings", "alerts", "group", 8, folder, 2, LIMITS, NEWS2)
    spec.save(tmp_path / "SPEC.json")
    assert Spec.load(tmp_path / "SPEC.json") == spec


def test_a_spec_with_an_unknown_field_is_refused(tmp_path):
    spec = Spec("localhost:1", "readings", "alerts", "group", 8, "folder", 2, LIMITS, NEWS2)
    path = tmp_path / "SPEC.json"
    spec.save(path)
    path.write_text(path.read_text(encoding="utf-8").replace('"threads"', '"cores"'), encoding="utf-8")
    with pytest.raises(TypeError, match="cores"):
        Spec.load(path)
