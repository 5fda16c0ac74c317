"""Alarm load on alerts made by hand: every figure is one that a reader can count."""

import pytest

from edge.evaluation.compared_load import count, reduction, removed, rule_lines, set_load, worst_share
from edge.evaluation.recorded_episodes import Episode, episodes_of
from streams.contracts.alert import Alert, Evidence, Source

SPAN = {"bed-1": 600_000, "bed-2": 600_000}


def alert(
    phase, at_s, onset_s=0.0, rule="spo2-low", patient="bed-1", priority="medium", kind="physiological"
):
    return Alert(
        id=f"{patient}-{rule}-{onset_s}-{phase}-{at_s}",
        episode=f"{patient}-{rule}-{onset_s}",
        patient=patient,
        rule=rule,
        event="MDC_EVT_LO",
        source=Source(kind="signal", name="spo2"),
        phase=phase,
        state="active",
        priority=priority,
        type=kind,
        onset_ts_ms=round(onset_s * 1000),
        event_ts_ms=round(at_s * 1000),
        append_ts_ms=0,
        evidence=Evidence(value=85.0),
        reason="oxygen saturation 85 %, below 90",
    )


def episode(onset_s, start_s, end_s, rule="spo2-low", patient="bed-1", ended=True, priority="medium"):
    ms = (round(s * 1000) for s in (onset_s, start_s, end_s))
    return Episode(patient, rule, "physiological", priority, "spo2", *ms, ended, 85.0)


def test_alerts_of_one_alarm_are_one_episode_with_its_highest_priority():
    alerts = [alert("start", 25, 10), alert("escalate", 40, 10, priority="high"), alert("end", 70, 10)]
    (found,) = episodes_of(alerts, SPAN)
    assert (found.onset_ms, found.start_ms, found.end_ms) == (10_000, 25_000, 70_000)
    assert (found.priority, found.ended, found.duration_s, found.latency_s) == ("high", True, 60.0, 15.0)


def test_an_alarm_without_an_end_is_open_until_the_recording_ends():
    (found,) = episodes_of([alert("start", 590, 580)], SPAN)
    assert (found.ended, found.end_ms) == (False, 600_000)


def test_what_ends_after_the_recording_was_open_and_what_starts_after_it_never_was():
    alerts = [alert("start", 590, 580), alert("end", 700, 580), alert("start", 650, 640, patient="bed-2")]
    (found,) = episodes_of(alerts, SPAN)
    assert (found.patient, found.ended, found.end_ms) == ("bed-1", False, 600_000)


def test_counts_say_rate_median_and_which_share_was_over_within_the_delay():
    episodes = [
        episode(0, 0, 4),
        episode(10, 10, 24.9),
        episode(30, 30, 45),
        episode(60, 60, 62, ended=False),
    ]
    found = count(episodes, patient_hours=0.5, delay_s={"spo2-low": 15.0})
    assert (found.alarms, found.per_patient_hour, found.median_duration_s) == (4, 8.0, 9.45)
    assert found.brief_share == 0.5  # the third lasted the delay, the fourth has no end
    assert (found.median_latency_s, found.max_latency_s) == (0.0, 0.0)


def test_without_alarms_rates_are_none_and_the_rest_is_unknown():
    found = count([], 2.0, {})
    assert (found.alarms, found.per_patient_hour) == (0, 0.0)
    assert {found.median_duration_s, found.brief_share, found.max_latency_s} == {None}


@pytest.mark.parametrize(
    ("alarms", "share"),
    [
        ([0] * 9 + [5], 1.0),
        ([1] * 10, 0.1),
        ([7, 1, 1, 1], 0.7),  # a tenth of four patients is one
        ([4, 4] + [1] * 18, 8 / 26),
        ([0, 0], None),
    ],
)
def test_the_worst_tenth_of_the_patients_have_this_share_of_all_alarms(alarms, share):
    assert worst_share(alarms) == (share if share is None else pytest.approx(share))


def test_a_patient_without_alarms_counts_among_the_patients():
    load = set_load([episode(0, 0, 4)], [f"bed-{n}" for n in range(20)], 1.0, {})
    assert (load.worst_share, list(load.worst_patients)) == (1.0, [("bed-1", 1)])


def test_an_alarm_is_removed_when_the_other_set_has_none_of_its_rule_and_patient_at_that_time():
    first = [
        episode(0, 0, 4),
        episode(50, 50, 90),
        episode(50, 50, 90, patient="bed-2"),
        episode(100, 100, 130),
    ]
    second = [
        episode(50, 65, 95),
        episode(99, 99, 140, rule="hr-low"),
        episode(100, 115, 130, patient="bed-2"),
    ]
    gone = removed(first, second)
    assert [(one.patient, one.onset_ms) for one in gone] == [
        ("bed-2", 50_000),
        ("bed-1", 100_000),
        ("bed-1", 0),
    ]


def test_priorities_and_types_have_rates_of_their_own():
    load = set_load(
        [episode(0, 0, 4), episode(5, 5, 9), episode(9, 9, 12, priority="high")], ["bed-1"], 0.5, {}
    )
    assert {kind: (rate.alarms, rate.per_patient_hour) for kind, rate in load.by_priority.items()} == {
        "medium": (2, 4.0),
        "high": (1, 2.0),
    }
    assert load.by_type["physiological"].per_patient_hour == 6.0


def test_rules_are_compared_one_by_one():
    first = [episode(0, 0, 4), episode(50, 50, 90), episode(0, 0, 9, rule="hr-low")]
    second = [episode(50, 65, 95), episode(0, 0, 9, rule="news2")]
    lines = {
        line.rule: line for line in rule_lines((first, second), 1.0, ({"spo2-low": 0.0}, {"spo2-low": 15.0}))
    }
    line = lines["spo2-low"]
    assert (line.delay_s, line.reduction, line.removed, line.longest_removed_s) == ((0.0, 15.0), 0.5, 1, 4.0)
    assert [counts.median_latency_s for counts in line.counts] == [0.0, 15.0]
    assert (lines["hr-low"].reduction, lines["news2"].reduction) == (1.0, None)


def test_more_alarms_than_before_are_a_negative_reduction():
    assert (reduction(4, 1), reduction(4, 6), reduction(0, 6)) == (0.75, -0.5, None)
