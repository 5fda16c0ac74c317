"""What an alert says: ids from the log alone, the facets, the evidence, one plain sentence."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from agents.judging.alarms import LOSS_COLUMNS
from agents.judging.alert_facts import encoded, report
from agents.judging.catalogue import alarms_of
from agents.judging.episode_events import number_event
from agents.judging.transitions import Asked, Transition
from clinical.defaults import DEFAULT_RULES
from clinical.lifecycle import PHASE_NAMES, Phase
from clinical.rules import DriftRule, LimitRule, RuleSet, ScoreRule, TrendRule
from clinical.vitals import SIGNALS
from streams.contracts.alert import Alert, Responsibility, episode_id
from tables.patients import PatientTable

RULES = RuleSet(
    (
        LimitRule("spo2-low", "spo2", low=90, delay_s=15),
        LimitRule("hr-high", "hr", high=120),
        LimitRule("hr-range", "hr", low=50, high=120),
        LimitRule("asystole", "asystole", high=0.5, priority="high"),
    ),
    scores=(ScoreRule("pews"),),
    trends=(TrendRule("sbp-falling", "abp_sys", fall=2.0),),
    drifts=(DriftRule("hr-drift", "hr", sigma=2.0),),
)
ALARMS = {alarm.id: alarm for alarm in alarms_of(RULES)}
NAN = float("nan")
HAPPENING = Transition(
    offset=70,
    column=0,
    patient="bed-1",
    phase=Phase.START,
    number=0,
    priority=1,
    onset_ms=10_000,
    event_ms=25_000,
    append_ms=25_020,
)


def told(rule, **changes):
    limits = {"low": ALARMS[rule].low, "high": ALARMS[rule].high}
    transition = replace(HAPPENING, **limits, **changes)
    alert = report(ALARMS[rule], transition)
    # What is written past the model is what the model writes, byte for byte.
    assert encoded(ALARMS[rule], transition) == alert.model_dump_json().encode()
    return alert


def test_the_alarms_are_limits_silence_losses_score_pause_and_the_other_conditions():
    periodic = [signal.name for signal in SIGNALS if signal.periodic]
    losses = [f"signal-loss-{name}" for name in periodic]
    assert list(ALARMS) == [
        "spo2-low",
        "hr-high",
        "hr-range",
        "asystole",
        "silent-device",
        *losses,
        *(f"unreliable-signal-{name}" for name in periodic),
        "news2",
        "alarms-paused",
        "limits-widened",
        *("check-sensor", "babbling-device", "clock-suspect", "backlog"),
        *("identity-conflict", "too-many-devices", "ward-silent"),
        *("misplaced-patient", "too-many-patients", "unproven-command"),
        *("unassociated-device", "readings-withdrawn"),
        *("vital-loss", "age-unknown", "break-glass"),
        *("pews", "sbp-falling", "hr-drift"),
    ]
    assert [SIGNALS[column].name for column in LOSS_COLUMNS] == [
        name.removeprefix("signal-loss-") for name in losses
    ]


def test_the_default_rules_give_every_alarm_an_id_of_its_own():
    alarms = alarms_of(DEFAULT_RULES)
    assert len({alarm.id for alarm in alarms}) == len(alarms)


def test_an_id_is_patient_rule_onset_and_number_and_nothing_else():
    alert = told("spo2-low", value=85.0)
    assert alert.id == f"{episode_id('bed-1', 'spo2-low', 10_000)}-0"
    later = told(
        "spo2-low", value=60.0, offset=99, event_ms=99_000, append_ms=99_999, device="mon-b", priority=2
    )
    assert later.id == alert.id


@pytest.mark.parametrize("change", [{"patient": "bed-2"}, {"onset_ms": 10_001}, {"number": 1}])
def test_another_patient_onset_or_number_is_another_id(change):
    assert told("spo2-low", value=85.0, **change).id != told("spo2-low", value=85.0).id


def test_another_rule_is_another_episode():
    assert told("hr-high", value=130.0).episode != told("hr-range", value=130.0).episode


def test_an_episode_s_id_is_the_same_in_every_process():
    assert episode_id("bed-1", "spo2-low", 10_000) == "a3d301d3ea486ae9"


def test_a_limit_alert_carries_its_facets_source_and_evidence():
    alert = told("spo2-low", value=85.0, extreme=82.0, device="mon-a", priority=2)
    assert (alert.event, alert.phase, alert.state) == ("MDC_EVT_LO", "start", "active")
    assert (alert.inactivation, alert.priority, alert.type) == ("enabled", "high", "physiological")
    assert alert.source.model_dump() == {
        "kind": "signal",
        "name": "spo2",
        "mdc": 150456,
        "loinc": "59408-5",
        "system": "urn:iso:std:iso:11073:10101",
        "code": "150456",
        "unit": "%",
        "device": "mon-a",
    }
    assert (alert.evidence.value, alert.evidence.low, alert.evidence.high) == (85, 90, None)
    assert (alert.evidence.extreme, alert.evidence.delay_s, alert.evidence.silent_s) == (82, 15, None)
    assert (alert.onset_ts_ms, alert.event_ts_ms, alert.append_ts_ms) == (10_000, 25_000, 25_020)


def test_an_alert_says_who_is_asked_to_answer_for_it_and_nothing_where_nobody_is():
    asked = told("spo2-low", value=85.0, asked=Asked(2, "charge nurse", "requested", "undefined"))
    assert asked.responsibility == Responsibility(
        step=2, to="charge nurse", status="requested", previous="undefined"
    )
    assert told("spo2-low", value=85.0).responsibility is None


@pytest.mark.parametrize(("phase", "name"), PHASE_NAMES.items())
def test_every_phase_has_its_name_and_only_what_closes_an_episode_is_inactive(phase, name):
    alert = told("spo2-low", phase=int(phase), value=85.0)
    assert alert.phase == name
    assert alert.state == ("inactive" if name in ("end", "reset") else "active")


@pytest.mark.parametrize(
    ("rule", "value", "extreme", "event"),
    [
        ("spo2-low", 85.0, 85.0, "MDC_EVT_LO"),
        ("hr-high", 130.0, 130.0, "MDC_EVT_HI"),
        ("hr-range", 130.0, 130.0, "MDC_EVT_HI"),
        ("hr-range", 40.0, 40.0, "MDC_EVT_LO"),
        ("hr-range", 80.0, 40.0, "MDC_EVT_LO"),
        ("silent-device", None, None, "MDC_EVT_ALARM"),
        ("signal-loss-spo2", None, None, "MDC_EVT_ALARM"),
        ("news2", 7.0, None, "MDC_EVT_ALARM"),
    ],
)
def test_the_event_says_on_which_side_the_limit_was_crossed(rule, value, extreme, event):
    assert told(rule, value=value, extreme=extreme).event == event


def test_technical_and_score_alerts_name_their_source():
    silent, lost, score = (told(rule, value=7.0) for rule in ("silent-device", "signal-loss-spo2", "news2"))
    assert (silent.type, silent.source.kind, silent.evidence.silent_s) == ("technical", "device", 15)
    assert (lost.type, lost.source.kind, lost.source.name) == ("technical", "signal", "spo2")
    assert (score.type, score.source.kind, score.source.loinc) == ("physiological", "score", None)
    assert (score.source.system, score.source.code) == ("http://snomed.info/sct", "1104051000000101")


@pytest.mark.parametrize(
    ("rule", "changes", "sentence"),
    [
        ("spo2-low", {"value": 85.0, "extreme": 82.0}, "oxygen saturation 85 %, below 90 for 15 s"),
        ("hr-high", {"value": 130.5}, "heart rate (ECG) 130.5 bpm, above 120 for 15 s"),
        ("hr-high", {"extreme": 140.0}, "heart rate (ECG) 140 bpm, above 120 for 15 s"),
        ("hr-high", {"value": 80.0, "phase": Phase.END}, "heart rate (ECG): condition over after 15 s"),
        ("silent-device", {}, "no frame for 15 s"),
        ("signal-loss-spo2", {}, "oxygen saturation: no valid reading for 15 s"),
        (
            "news2",
            {"value": 7.0, "priority": 2},
            "NEWS2 7; high: emergency assessment within 30 min, continuous monitoring",
        ),
        (
            "news2",
            {"value": 5.0, "missing": ("temp",)},
            "NEWS2 at least 5, without temp; medium: urgent assessment within 1 h, monitoring at least hourly",
        ),
        ("asystole", {"value": 1.0}, "asystole (reported) by the device for 15 s"),
        ("check-sensor", {}, "check patient and sensor: heart rate and pulse rate differ, for 15 s"),
        ("backlog", {}, "device: sends only readings that it held back, so nobody is watched live, for 15 s"),
        (
            "misplaced-patient",
            {"note": "in partition 3, where another partitioner than murmur2 put it"},
            "patient: in partition 3, where another partitioner than murmur2 put it",
        ),
        (
            "too-many-patients",
            {},
            "partition: has no room for new patients, whose frames are refused, for 15 s",
        ),
        (
            "unproven-command",
            {},
            "partition: was sent orders that do not prove where they came from, for 15 s",
        ),
        ("sbp-falling", {"value": -2.5}, "arterial systolic pressure -2.5 mmHg a minute over 10 min"),
        ("hr-drift", {"value": 6.1}, "heart rate (ECG) +6.1 standard deviations of drift in 15 min"),
    ],
)
def test_the_reason_is_one_sentence_with_the_numbers(rule, changes, sentence):
    assert told(rule, **changes).reason == sentence


SAID = [
    *product(PHASE_NAMES, ["", "paused by nurse-7"], [(None, None), (NAN, NAN), (3.0, None), (None, 3.0)])
]
"""Phase, note, value and extreme: all of one alarm in one test, for a test a case takes longer than the case."""


@pytest.mark.parametrize("rule", ALARMS)
def test_any_happening_can_be_reported_and_read_back(rule):
    for phase, note, (value, extreme) in SAID:
        case = f"{phase!r}, {note!r}, value {value}, extreme {extreme}"
        alert = told(rule, phase=int(phase), note=note, value=value, extreme=extreme)
        assert alert.reason, case
        assert "nan" not in alert.reason, case
        assert Alert.model_validate_json(alert.model_dump_json()) == alert, case


def test_events_of_an_episode_are_numbered_and_the_next_begins_at_nought():
    table = PatientTable(list(ALARMS))
    row = table.row("bed-1")
    life = (Phase.START, Phase.ESCALATE, Phase.CONTINUE, Phase.END, Phase.START, Phase.END)
    assert [number_event(table, row, 0, phase) for phase in life] == [0, 1, 2, 3, 0, 1]
    assert not np.any(table.alarm_events[row])


def test_an_alarm_that_is_told_again_for_months_does_not_run_out_of_numbers():
    table = PatientTable(list(ALARMS))
    row = table.row("bed-1")
    table.alarm_events[row, 0] = 65_534
    assert [number_event(table, row, 0, Phase.CONTINUE) for _ in range(4)] == [65_534, 65_535, 65_536, 65_537]
