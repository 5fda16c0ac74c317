"""Open alarms as a nurse reads them: their order, words, short ids, and whether anything is judged at all."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.nursing.alarm_list import (
    Beat,
    Row,
    lasting,
    resolve,
    rows_of,
    short_ids,
    to_acknowledge,
    unjudged,
    what,
    who,
)
from edge.ward_state import SEVERITIES
from streams.contracts.patient_state import Asked, Heartbeat, OpenAlarm, Patient
from streams.errors import UsageError

HEX = st.text("0a", min_size=16, max_size=16)


def alarm(episode="0" * 16, **said):
    given = {"rule": "hr-high", "state": "active", "priority": "medium", "onset_ts_ms": 0, **said}
    return OpenAlarm(episode=episode, **given)


def patient(name="bed-1", *alarms, ward="icu"):
    said = {"ward": ward, "seen_ts_ms": 0, "pause": None, "pause_until_ts_ms": None, "values": {}}
    return Patient(patient=name, alarms=alarms, **said)


def episodes(rows):
    return [row.alarm.episode for row in rows]


def test_the_most_severe_comes_first_then_who_is_not_known_of_then_the_oldest():
    found = [
        patient("a", alarm("low", priority="low"), alarm("technical", priority="high", type="technical")),
        patient("b", alarm("known", priority="high", state="acknowledged"), alarm("medium")),
        patient("c", alarm("new", priority="high", onset_ts_ms=5), alarm("old", priority="high")),
    ]
    assert episodes(rows_of(found)) == ["old", "new", "known", "medium", "low", "technical"]


@given(st.permutations(range(12)))
def test_the_order_does_not_hang_on_the_order_of_the_topic(order):
    alarms = [
        alarm(f"{i:016}", priority=("high", "medium", "low")[i % 3], onset_ts_ms=i // 2) for i in range(12)
    ]
    beds = [patient(f"bed-{i}", one) for i, one in enumerate(alarms)]
    listed = rows_of([beds[i] for i in order])
    assert listed == rows_of(beds)
    ranks = [SEVERITIES.index(row.severity) for row in listed]
    assert ranks == sorted(ranks)


def test_a_ward_and_a_patient_are_picked_and_a_canary_is_shown_to_who_asks_for_it():
    found = [
        patient("a", alarm("1"), ward="icu"),
        patient("b", alarm("2"), ward="er"),
        patient("c", alarm("3", rule="canary"), ward=""),
    ]
    assert episodes(rows_of(found)) == ["1", "2"]
    assert episodes(rows_of(found, ward="er")) == ["2"]
    assert episodes(rows_of(found, patient="c")) == ["3"]


@pytest.mark.parametrize(
    ("span_s", "said"),
    [
        (-3, "0 s"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h 00 min"),
        (7500, "2 h 05 min"),
        (86_399, "23 h 59 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_an_age_fits_into_a_column(span_s, said):
    assert lasting(span_s) == said


def test_a_limit_alarm_says_value_limit_and_worst_and_any_other_its_reason():
    said = {"signal": "hr", "value": 130.0, "high": 120.0, "extreme": 150.0}
    assert what(alarm(**said)) == "heart rate (ECG) 130 bpm, limit 120, worst 150"
    assert what(alarm(**said | {"extreme": 130.0})) == "heart rate (ECG) 130 bpm, limit 120"
    assert what(alarm(**said | {"low": 50.0})) == "heart rate (ECG) 130 bpm, limit 50 to 120, worst 150"
    assert what(alarm(reason="no frame for 20 s")) == "no frame for 20 s"
    assert what(alarm(**said | {"value": None, "reason": "heart rate 150 bpm"})) == "heart rate 150 bpm"
    assert what(alarm()) == "hr-high"


def test_who_is_asked_or_knows_is_said_in_words():
    asked = {status: Asked(step=1, to="nurse", status=status) for status in ("requested", "accepted")}
    assert who(alarm(asked=asked["requested"])) == "nurse asked"
    assert who(alarm(asked=asked["accepted"])) == "nurse has accepted"
    assert who(alarm(state="acknowledged", acknowledged_by="n7")) == "known to n7"
    assert who(alarm(state="acknowledged")) == "acknowledged"
    assert who(alarm(state="latched")) == "condition over, not acknowledged"
    assert who(alarm()) == ""


@given(st.sets(HEX, max_size=30))
def test_a_short_id_begins_exactly_one_episode_and_no_shorter_one_would(ids):
    for episode, short in short_ids(ids).items():
        assert [one for one in ids if one.startswith(short)] == [episode]
        assert len(short) == 4 or len([one for one in ids if one.startswith(short[:-1])]) > 1


@given(st.sets(st.text("01", min_size=16, max_size=16), min_size=1, max_size=8), st.text("01", max_size=16))
def test_a_beginning_names_the_one_alarm_that_has_it_and_else_says_which_there_are(ids, begins):
    rows = rows_of([patient("bed-1", *map(alarm, ids))])
    fitting = [one for one in ids if one.startswith(begins)]
    if len(fitting) == 1:
        assert resolve(begins, rows, "bed-1") == fitting[0]
        return
    with pytest.raises(UsageError) as raised:
        resolve(begins, rows, "bed-1")
    named = [short for one, short in short_ids(fitting or ids).items() if f"{short} (" in str(raised.value)]
    assert len(named) == len(fitting or ids)


def test_what_is_known_and_a_pause_are_not_to_be_acknowledged():
    alarms = [alarm("1"), alarm("2", state="acknowledged"), alarm("3", state="latched")]
    rows = [Row(patient(), one) for one in (*alarms, alarm("4", rule="alarms-paused"))]
    assert episodes(to_acknowledge(rows)) == ["1", "3"]


def beat(append_s, behind_s=0.0, partition=0):
    said = {"worker": "w", "lag": 0, "open_alarms": 0, "waiting_s": 0.0, "partition": partition}
    sent_ms = round(append_s * 1000)
    return Beat(Heartbeat(sent_ts_ms=sent_ms, judged_ts_ms=round(sent_ms - behind_s * 1000), **said), sent_ms)


def test_partitions_that_nobody_judges_are_named_with_how_long():
    now_ms = 100_000
    assert unjudged({0: beat(99), 1: beat(95)}, now_ms, 10, 30) == ""
    said = unjudged({0: beat(99), 1: beat(88), 2: beat(99), 3: beat(80)}, now_ms, 10, 30)
    assert said == "nothing has been judged for 12 s in partitions 1, 3: what stands here may be old"
    assert "in partition 1:" in unjudged({0: beat(99), 1: beat(88)}, now_ms, 10, 30)
    assert "for 20 s in any partition (0, 1)" in unjudged({0: beat(80), 1: beat(60)}, now_ms, 10, 30)
    never = "nothing has been judged in partition 1: what stands here may be old"
    assert unjudged({0: beat(99), 1: None}, now_ms, 10, 30) == never


def test_judging_that_is_behind_is_not_judging_now_but_a_recording_s_time_says_nothing():
    beats = {0: beat(99, behind_s=40)}
    assert "for 41 s" in unjudged(beats, 100_000, 10, 30)
    assert unjudged(beats, 100_000, 10, 30, recorded=True) == ""


@given(st.floats(0, 1e6), st.floats(0, 1e3))
def test_a_beat_counts_up_to_its_bound_and_no_longer(age_s, bound_s):
    said = unjudged({0: beat(0)}, math.floor(age_s * 1000), bound_s, 1e9)
    assert bool(said) == (math.floor(age_s * 1000) / 1000 >= bound_s)
