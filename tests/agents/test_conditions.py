"""Conditions beyond single limits: what devices report, depth times duration, sensors in doubt, trends, scores."""

from dataclasses import replace

import pytest
from logs import frame_record, order_record, tick_record
from test_tick_judge import ILL, Ward
from worker_model import WorkerModel

from agents.judging.reasons import Reason
from clinical.clock import TimeRules
from clinical.defaults import DEFAULT_RULES
from clinical.rules import DriftRule, LimitRule, RuleSet, ScoreRule, TechnicalRules, TrendRule

HR_HIGH = LimitRule("hr-high", "hr", high=120, delay_s=10)
HR_EXTREME = LimitRule("hr-extreme", "hr", high=140, delay_s=5, priority="high")
PULSE_HIGH = LimitRule("pulse-high", "pulse", high=120, delay_s=10)
HEART = RuleSet((HR_HIGH, HR_EXTREME, PULSE_HIGH))


def order(ward, at_s, **said):
    """Give a command."""
    value = {
        "id": f"c{ward.offset}",
        "patient": "bed-1",
        "actor": "nurse-7",
        "issued_ts_ms": at_s * 1000,
    } | said
    ward.offset += 1
    ward.worker.take([order_record(ward.offset - 1, at_s * 1000, value)])


def watch(ward, from_s, to_s, **signals):
    """Send a frame and a tick a second; return what was told."""
    found = []
    for at_s in range(from_s, to_s):
        found += ward.frame(at_s, **signals)
        found += ward.tick(at_s)
    return found


@pytest.fixture
def bed():
    return Ward(DEFAULT_RULES)


def test_what_the_device_reports_starts_at_once_and_ends_when_it_says_so(bed):
    assert bed.frame(100, asystole=True, hr=80) == [("asystole", "start", "high", 100)]
    assert bed.alert("asystole", "start").reason == "asystole (reported) by the device"
    assert bed.frame(101, hr=80) == []
    assert bed.frame(102, asystole=False, hr=80) == [("asystole", "end", "high", 100)]
    assert bed.frame(103, apnoea=True) == [("apnoea-reported", "start", "high", 103)]


def test_no_breath_for_twenty_seconds_is_apnoea(bed):
    assert all(rule != "apnoea" for rule, *_ in watch(bed, 100, 120, resp=0, hr=80))
    assert ("apnoea", "start", "high", 100) in watch(bed, 120, 121, resp=0, hr=80)


def test_zeros_are_technical_and_nothing_else(bed):
    nought = dict.fromkeys(("hr", "pulse", "spo2", "abp_sys", "abp_dia", "abp_mean"), 0)
    told = watch(bed, 100, 200, **nought)
    assert {rule for rule, phase, *_ in told if phase == "start"} == {
        f"signal-loss-{name}" for name in nought
    }


@pytest.mark.parametrize(("spo2", "start_s"), [(85, 110), (88, 125), (80, 105)])
def test_depth_times_duration_lets_a_shallow_violation_last_longer(spo2, start_s):
    bed = Ward(RuleSet((LimitRule("spo2-low", "spo2", low=90, integral=50),)))
    told = watch(bed, 100, 140, spo2=spo2)
    assert told == [("spo2-low", "start", "medium", 100)]
    assert bed.alert("spo2-low", "start").event_ts_ms == start_s * 1000


def test_a_contradiction_is_one_alarm_instead_of_two(bed):
    bed = Ward(HEART)
    told = watch(bed, 100, 130, hr=130, pulse=80)
    assert told == [("check-sensor", "start", "medium", 100)]
    alert = bed.alert("check-sensor", "start")
    assert alert.type == "technical"
    assert alert.reason == "check patient and sensor: heart rate 130 and pulse rate 80 bpm differ"
    assert sum(tally.of(Reason.SENSOR_IN_DOUBT) for tally in bed.worker.tallies) == 1


def test_what_a_contradiction_withheld_is_announced_when_it_is_over():
    bed = Ward(HEART)
    watch(bed, 100, 120, hr=130, pulse=80)
    told = watch(bed, 120, 126, hr=130, pulse=130)
    assert ("check-sensor", "end", "medium", 100) in told
    assert ("hr-high", "start", "medium", 100) in told


def test_a_contradiction_never_withholds_what_is_of_high_priority():
    bed = Ward(HEART)
    watch(bed, 100, 110, hr=100, pulse=70)
    assert ("hr-extreme", "start", "high", 110) in watch(bed, 110, 120, hr=150, pulse=70)


def test_a_limit_alarm_that_was_announced_before_the_contradiction_stays():
    bed = Ward(HEART)
    assert ("hr-high", "start", "medium", 100) in watch(bed, 100, 112, hr=130, pulse=130)
    told = [(rule, phase) for rule, phase, *_ in watch(bed, 112, 130, hr=130, pulse=80)]
    assert told == [("pulse-high", "end"), ("check-sensor", "start")]


def test_a_contradiction_of_a_slow_device_is_one_alarm_and_not_one_a_minute():
    bed, told = Ward(HEART), []
    for at_s in range(600):
        if at_s % 60 == 0:
            told += bed.frame(at_s, hr=110, pulse=80, interval_ms=60_000)
        told += bed.tick(at_s)
    assert [phase for rule, phase, *_ in told if rule == "check-sensor" and phase != "continue"] == ["start"]


def test_a_contradiction_ends_with_a_sensor_that_is_taken_off():
    bed = Ward(HEART)
    watch(bed, 100, 110, hr=110, pulse=80)
    assert ("check-sensor", "end", "medium", 100) in watch(bed, 110, 140, pulse=80)


def test_a_device_that_sends_far_more_than_it_announces_babbles(bed):
    for at_ms in range(90_000, 200_000, 100):
        bed.seq += 1
        bed._take(frame_record(bed.offset, at_ms, seq=bed.seq, event_ms=at_ms, hr=80))
        if at_ms % 1000 == 0:
            bed.tick(at_ms // 1000)
    alert = bed.alert("babbling-device", "start")
    assert alert.reason == "device: 300 readings in 30 s where it announces 30"
    assert alert.priority == "low"


def live(clock_s, step_s, held_s=0):
    """Return the alarms of a device whose frames say another time than the broker, for a minute and a half."""
    rules = replace(DEFAULT_RULES, technical=TechnicalRules(age_unknown_s=0))
    worker, log, event_s = WorkerModel(rules, TimeRules()), [], 10_000 + clock_s - held_s
    for at_s in range(10_000, 10_090):
        log.append(frame_record(2 * at_s, at_s * 1000, seq=at_s, event_ms=round(event_s * 1000), hr=80))
        log.append(tick_record(2 * at_s + 1, at_s * 1000))
        event_s += step_s
    for record in log:
        worker.take([record])
    return {alert.rule for alert in worker.alerts.values() if alert.phase == "start"}


def test_a_clock_that_disagrees_is_told_of_and_so_is_a_device_that_only_catches_up():
    assert live(0, 1) == set()
    assert live(600, 1) == {"clock-suspect"}
    assert "clock-suspect" in live(-600, 1)
    assert "backlog" in live(0, 4, held_s=3_600)


def test_a_fall_over_minutes_is_a_trend_with_its_rate():
    bed = Ward(RuleSet((), trends=(TrendRule("sbp-falling", "abp_sys", 5, fall=2.0, delay_s=30),)))
    found = []
    for at_s in range(600):
        found += watch(bed, at_s, at_s + 1, abp_sys=round(130 - 3 * max(0, at_s - 120) / 60, 1))
    assert next((rule, phase) for rule, phase, *_ in found) == ("sbp-falling", "start")
    alert = bed.alert("sbp-falling", "start")
    assert alert.source.model_dump(include={"kind", "name", "unit"}) == {
        "kind": "trend",
        "name": "abp_sys",
        "unit": "mm[Hg]/min",
    }
    assert alert.evidence.value < -2
    assert alert.reason.startswith("arterial systolic pressure -2.")
    assert alert.reason.endswith(" mmHg a minute over 5 min")
    assert bed.alert("sbp-falling", "continue").reason.startswith(
        "arterial systolic pressure: its course, for "
    )


@pytest.mark.parametrize(
    "rules",
    [
        {"trends": (TrendRule("course", "abp_sys", 5, fall=2.0, delay_s=0),)},
        {"drifts": (DriftRule("course", "abp_sys", sigma=3.0, delay_s=0),)},
    ],
    ids=["trend", "drift"],
)
def test_a_course_whose_signal_is_hardly_measured_any_more_does_not_say_that_it_is_over(rules):
    bed = Ward(RuleSet((), **rules))
    for at_s in range(0, 960, 30):
        watch(bed, at_s, at_s + 30, hr=80, abp_sys=130 - at_s / 10)
    assert bed.alert("course", "start").evidence.value < -2
    watch(bed, 960, 1500, hr=80)
    end = bed.alert("course", "end")
    assert end.reason.endswith("not measured any more; whether the condition is over is unknown")
    assert end.evidence.value is None


def test_a_step_that_the_past_did_not_foretell_is_a_drift():
    bed = Ward(RuleSet((), drifts=(DriftRule("hr-drift", "hr", sigma=3.0, delay_s=0),)))
    assert watch(bed, 0, 600, hr=80) == []
    assert ("hr-drift", "start", "low") in [told[:3] for told in watch(bed, 600, 780, hr=92)]
    assert bed.alert("hr-drift", "start").evidence.value >= 5


def test_other_scores_alarm_where_the_rules_ask_for_them():
    bed = Ward(RuleSet((), scores=(ScoreRule("mews", 5, 10), ScoreRule("qsofa", 3, 10), ScoreRule("pews"))))
    told = watch(bed, 100, 120, **ILL)
    assert ("mews", "start", "high", 100) in told
    assert ("qsofa", "start", "medium", 100) in told
    assert bed.alert("mews", "start").reason.endswith("; critical: urgent medical review")
    assert all(rule != "pews" for rule, *_ in told)


def test_a_neonate_is_scored_by_bedside_pews_and_not_by_scores_for_adults():
    bed = Ward(RuleSet((), scores=(ScoreRule("mews"), ScoreRule("pews", delay_s=10))))
    bed.frame(100, hr=200)
    order(bed, 100, kind="set-profile", age_band="neonate")
    told = watch(bed, 101, 140, pulse=200, resp=95, abp_sys=40, spo2=85)
    assert "pews" in [rule for rule, *_ in told]
    assert "mews" not in [rule for rule, *_ in told]
    assert bed.alert("pews", "start").evidence.value == 14


@pytest.mark.parametrize(
    ("age_band", "points"),
    [("young-infant", 1), ("infant", 0), ("young-child", 3), ("child", 5), ("adolescent", 10)],
)
def test_a_child_is_scored_by_the_row_of_the_age_and_at_least(age_band, points):
    bed = Ward(RuleSet((), scores=(ScoreRule("pews", delay_s=0),)))
    bed.frame(100, spo2=90)
    order(bed, 100, kind="set-profile", age_band=age_band)
    oxygen = {"fio2": 50, "spo2": 90}  # 4 and 2 points at any age
    told = watch(bed, 101, 110, pulse=140, resp=45, abp_sys=82, **oxygen)
    started = [one for one in told if one[:2] == ("pews", "start")]
    assert bool(started) == (points + 6 >= 8)
    if started:
        alert = bed.alert("pews", "start")
        assert (alert.evidence.value, alert.evidence.missing) == (points + 6, ("refill", "effort"))


def test_a_child_of_unknown_age_has_no_points_for_rates_and_pressure():
    bed = Ward(RuleSet((), scores=(ScoreRule("pews", delay_s=0),)))
    bed.frame(100, spo2=90)
    order(bed, 100, kind="set-profile", age_band="paediatric")
    assert "pews" not in [rule for rule, *_ in watch(bed, 101, 110, pulse=200, resp=95, spo2=90, fio2=50)]


def test_a_score_counts_an_input_up_to_its_own_age_and_no_longer():
    bed = Ward(RuleSet((), scores=(ScoreRule("shock-index", 2, 0),)))
    bed.frame(100, nbp_sys=100)
    assert watch(bed, 400, 401, hr=130) == [("shock-index", "start", "medium", 400)]
    assert bed.alert("shock-index", "start").evidence.value == 1.3
    older = Ward(RuleSet((), scores=(ScoreRule("shock-index", 2, 0),)))
    older.frame(99, nbp_sys=100)
    assert all(rule != "shock-index" for rule, *_ in watch(older, 400, 410, hr=130))
