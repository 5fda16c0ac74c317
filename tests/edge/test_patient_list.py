"""Patients as a nurse reads them: what is not as usual is said, and a score that lacks inputs looks not calmer."""

import pytest

from clinical.rules import AgeLimits, LimitRule, RuleSet
from edge.nursing.limits_in_force import limits_of, line, title
from edge.nursing.patient_list import alarms_open, early_warning, is_old, is_somebody, notes, seen
from streams.contracts.patient_state import LimitPair, OpenAlarm, Patient, ScoreNow

NOW_MS = 1_000_000


def patient(**said):
    usual = {
        "patient": "bed-1",
        "ward": "icu",
        "seen_ts_ms": NOW_MS,
        "pause": None,
        "pause_until_ts_ms": None,
    }
    return Patient(**usual | {"alarms": (), "values": {}, **said})


def alarm(rule="hr-high", priority="medium", **said):
    return OpenAlarm(rule=rule, episode="0" * 16, state="active", priority=priority, onset_ts_ms=0, **said)


@pytest.mark.parametrize("name", ["~ward/icu", "~partition/3"])
def test_a_ward_a_partition_and_a_canary_are_nobody(name):
    assert not is_somebody(patient(patient=name))
    assert not is_somebody(patient(alarms=(alarm("canary"),)))
    assert is_somebody(patient())
    assert is_somebody(patient(patient="~device/mon-1"))


def test_the_last_frame_is_said_and_pointed_at_when_it_is_old():
    assert (seen(patient(), NOW_MS + 5_000), is_old(patient(), NOW_MS + 5_000)) == ("5 s ago", False)
    assert (seen(patient(), NOW_MS + 60_000), is_old(patient(), NOW_MS + 60_000)) == ("1 min ago", True)
    assert (seen(patient(seen_ts_ms=None), 0), is_old(patient(seen_ts_ms=None), 0)) == ("no frame yet", True)


def test_what_is_not_as_usual_is_said():
    found = patient(
        pause="alarm-off", pause_until_ts_ms=NOW_MS + 120_000, limits_widened=("hr-high",), age_known=False
    )
    assert notes(found, NOW_MS) == (
        "alarm-off, 2 min left; wider than the unit's: hr-high; nobody has said the age"
    )
    assert notes(patient(age_known=True), NOW_MS) == notes(patient(), NOW_MS) == ""


def test_a_score_that_lacks_inputs_is_at_least_so_much_and_has_a_level_only_where_it_can_be_said():
    def said(**score):
        usual = {"total": 5.0, "band": "medium", "missing": (), "old": (), "ts_ms": 0}
        return early_warning(patient(scores={"news2": ScoreNow(**usual | score)}))

    assert said() == "NEWS2 5, medium"
    assert said(missing=("resp",)) == "NEWS2 at least 5, medium, without resp"
    assert said(total=0.0, band=None, missing=("resp", "temp")) == (
        "NEWS2 at least 0, too little measured, without resp, temp"
    )
    assert said(old=("temp",)) == "NEWS2 5, medium, not measured now: temp"
    assert early_warning(patient()) == "-"


def test_open_alarms_are_counted_by_severity():
    alarms = alarm(), alarm(priority="high"), alarm(priority="high", type="technical"), alarm()
    assert alarms_open(patient(alarms=alarms)) == "1 high, 2 medium, 1 technical"
    assert alarms_open(patient()) == "quiet"


def test_limits_of_somebody_whom_no_command_concerns_are_the_unit_s_at_that_age():
    rules = RuleSet(
        (
            LimitRule("hr-high", "hr", high=120, neonate=AgeLimits(high=200)),
            LimitRule("asystole", "asystole", high=0.5),
        )
    )
    found = limits_of(rules, patient(age_band="neonate", age_known=True))
    assert found.limits == {"hr-high": LimitPair(low=None, high=200, own=False)}
    assert title(found) == "neonate, SpO2 scale 1, expected oxygen unknown, ward icu"
    found = limits_of(rules, patient(age_known=False))
    assert title(found).startswith("adult (nobody has said it), ")
    assert line("hr-high", found.limits["hr-high"]) == "hr-high: - to 120"


def test_a_limit_that_is_the_patient_s_own_says_what_it_stands_beside():
    pair = LimitPair(low=None, high=135, own=True, unit_high=120, wider=True)
    assert line("hr-high", pair) == "hr-high: - to 135, set for this patient, wider than the unit's 120"
