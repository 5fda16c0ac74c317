"""What must be told at once: near an arrest, signs of life lost together, what the device reports; and told once."""

import pytest
from logs import frame_record, order_record, tick_record
from test_conditions import order, watch
from test_tick_judge import Ward
from worker_model import WorkerModel

from agents.judging.reasons import Reason
from clinical.clock import TimeRules
from clinical.defaults import DEFAULT_RULES
from clinical.lifecycle import SUPPRESSED
from streams.decoding.decoder import Decoder

WELL = {"hr": 80, "pulse": 80, "spo2": 97, "resp": 16}


@pytest.fixture
def bed():
    return Ward(DEFAULT_RULES)


def told(found, phase="start"):
    """Return when each alarm started, by rule, and its priority."""
    return {rule: (at_s, priority) for rule, told_phase, priority, at_s in found if told_phase == phase}


def high(found):
    return {rule for rule, (_, priority) in told(found).items() if priority == "high"}


@pytest.mark.parametrize(
    ("signals", "rule", "within_s"),
    [
        ({"pulse": 25, "spo2": 95}, "pulse-extreme-low", 5),
        ({"pulse": 200, "spo2": 95}, "pulse-extreme-high", 5),
        ({"hr": 80, "resp": 3}, "resp-extreme-low", 5),
        ({"hr": 80, "abp_sys": 60, "abp_mean": 45}, "abp-sys-extreme-low", 5),
        ({"hr": 80, "abp_sys": 75, "abp_mean": 35}, "abp-mean-extreme-low", 5),
        ({"hr": 80, "nbp_sys": 65}, "nbp-sys-extreme-low", 0),
        ({"hr": 80, "nbp_mean": 38}, "nbp-mean-extreme-low", 0),
    ],
)
def test_a_heart_that_is_about_to_stop_is_told_within_seconds(bed, signals, rule, within_s):
    assert rule not in high(watch(bed, 100, 100 + within_s, **signals))
    assert rule in high(watch(bed, 100 + within_s, 101 + within_s, **signals))


@pytest.mark.parametrize(
    ("flag", "rule", "says"),
    [
        ("vfib", "vfib", "ventricular fibrillation (reported) by the device"),
        ("vtach", "vtach", "ventricular tachycardia (reported) by the device"),
        ("ext_tachy", "ext-tachy", "extreme tachycardia (reported) by the device"),
        ("ext_brady", "ext-brady", "extreme bradycardia (reported) by the device"),
        ("abp_disconnect", "abp-disconnect", "arterial line disconnected (reported) by the device"),
    ],
)
def test_what_the_device_reports_is_told_at_once(bed, flag, rule, says):
    assert bed.frame(100, **{flag: True}) == [(rule, "start", "high", 100)]
    assert bed.alert(rule, "start").reason == says
    assert bed.frame(101, hr=80) == []
    assert bed.frame(102, **{flag: False}) == [(rule, "end", "high", 100)]


LOST = {"hr": 80, "pulse": None, "spo2": None, "resp": None}


@pytest.mark.parametrize(
    "signals",
    [
        LOST,
        {"hr": 0, "pulse": 0, "spo2": 0, "resp": 12},
        {"hr": 80},  # what is lost is not even carried
        {"hr": 80, "pulse": 0, "resp": None},
    ],
)
def test_signs_of_life_that_are_lost_together_are_told_within_a_quarter_of_a_minute(bed, signals):
    watch(bed, 60, 100, **WELL)
    found = watch(bed, 100, 116, **signals)
    assert high(found) == {"vital-loss"}
    alert = bed.alert("vital-loss", "start")
    assert alert.type == "physiological"
    assert "check the patient" in alert.reason
    assert "oxygen saturation" in alert.reason


def test_it_ends_when_one_of_them_is_measured_again_and_the_single_losses_are_told_besides(bed):
    watch(bed, 60, 100, **WELL)
    found = watch(bed, 100, 130, **LOST)
    assert {"signal-loss-pulse", "signal-loss-spo2", "signal-loss-resp"} < set(told(found))
    assert "vital-loss" in told(watch(bed, 130, 140, **{**LOST, "spo2": 88}), "end")


def test_who_is_taken_off_the_monitor_sensor_by_sensor_starts_none(bed):
    watch(bed, 60, 100, **WELL)
    found = watch(bed, 100, 140, **{**WELL, "pulse": None, "spo2": None})
    found += watch(bed, 140, 180, pulse=None, spo2=None, hr=80, resp=None)
    found += watch(bed, 180, 240, pulse=None, spo2=None, hr=None, resp=None)
    assert "vital-loss" not in told(found)


def test_a_probe_that_never_read_anything_is_no_loss(bed):
    assert "vital-loss" not in told(watch(bed, 100, 160, pulse=None, spo2=None, hr=None, resp=None))


def test_a_device_that_falls_silent_meanwhile_leaves_the_alarm_as_it_is(bed):
    watch(bed, 60, 100, **WELL)
    watch(bed, 100, 116, **LOST)
    found = [one for at_s in range(116, 200) for one in bed.tick(at_s)]
    assert "silent-device" in told(found)
    assert "vital-loss" not in told(found, "end")


def test_a_device_that_falls_silent_alone_has_lost_no_signs_of_life(bed):
    watch(bed, 60, 100, **WELL)
    assert set(told([one for at_s in range(100, 200) for one in bed.tick(at_s)])) == {"silent-device"}


def test_one_tachycardia_is_one_alarm(bed):
    found = watch(bed, 100, 180, hr=130, pulse=128, spo2=97)
    assert set(told(found)) == {"hr-high"}
    found = watch(bed, 180, 240, hr=160, pulse=158, spo2=97)
    assert set(told(found)) == {"hr-extreme-high"}


def test_an_extreme_pulse_is_told_where_the_heart_rate_is_only_high(bed):
    found = watch(bed, 100, 130, hr=135, pulse=145, spo2=97)
    assert told(found) == {"hr-high": (100, "medium"), "pulse-extreme-high": (100, "high")}


def test_the_pulse_is_told_as_soon_as_the_heart_rate_s_alarm_is_over(bed):
    watch(bed, 100, 120, hr=124, pulse=124, spo2=97)
    found = watch(bed, 120, 140, hr=112, pulse=124, spo2=97)
    assert told(found, "end")["hr-high"] == (100, "medium")
    assert told(found)["pulse-high"] == (100, "medium")


@pytest.mark.parametrize("lost", [{"hr": None}, {}, {"hr": 0}])
def test_the_pulse_is_told_as_soon_as_the_heart_rate_is_lost(bed, lost):
    watch(bed, 100, 120, hr=130, pulse=130, spo2=97)
    found = watch(bed, 120, 136 if "hr" not in lost else 122, pulse=130, spo2=97, **lost)
    assert told(found)["pulse-high"] == (100, "medium")


def test_an_extreme_pulse_is_told_as_soon_as_the_two_differ(bed):
    watch(bed, 100, 120, hr=30, pulse=30, spo2=97)
    found = watch(bed, 120, 122, hr=38, pulse=28, spo2=97)
    assert told(found)["pulse-extreme-low"] == (100, "high")


def test_a_pulse_that_waits_is_counted(bed):
    watch(bed, 100, 120, hr=130, pulse=130)
    judge, table = bed.worker.judge, bed.worker.table
    column = [alarm.id for alarm in judge.alarms].index("pulse-high")
    assert table.alarm_state[table.row_of["bed-1"], column] == SUPPRESSED
    decoded = Decoder().decode([frame_record(9_999, 200_000, "bed-2", event_ms=200_000, hr=130, pulse=130)])
    judge.judge(table, decoded)
    later = frame_record(10_001, 210_000, "bed-2", seq=1, event_ms=210_000, hr=130, pulse=130)
    assert judge.judge(table, Decoder().decode([later])).tally.of(Reason.RATE_TOLD) == 1


def test_a_patient_of_the_ordered_target_has_no_alarm_inside_it(bed):
    order(bed, 90, kind="set-profile", spo2_scale2=True, reason="chronic hypercapnia")
    assert told(watch(bed, 100, 200, spo2=88)) == {}
    assert told(watch(bed, 200, 220, spo2=85)) == {"spo2-low": (200, "medium")}
    assert bed.alert("spo2-low", "start").evidence.low == 86
    assert "spo2-low" in told(watch(bed, 220, 230, spo2=88), "end")
    assert told(watch(bed, 230, 240, spo2=79))["spo2-desat"] == (230, "high")


def test_a_limit_that_was_ordered_for_the_patient_wins_over_the_target(bed):
    order(bed, 90, kind="set-profile", spo2_scale2=True, reason="chronic hypercapnia")
    order(bed, 91, kind="set-limits", rule="spo2-low", low=89, reason="as discussed")
    assert told(watch(bed, 100, 120, spo2=88)) == {"spo2-low": (100, "medium")}


def test_a_target_below_an_own_desaturation_limit_is_refused(bed):
    order(bed, 90, kind="set-limits", rule="spo2-desat", low=88, reason="as discussed")
    order(bed, 91, kind="set-profile", spo2_scale2=True, reason="chronic hypercapnia")
    assert bed.worker.outcomes()[-1][2] == "refused"
    assert told(watch(bed, 100, 120, spo2=87)) == {"spo2-desat": (100, "high")}


def monitored(*orders, recorded=False, signals=WELL):
    """Return the alarms of a minute and a half under a live broker's clock, after orders."""
    worker, log = WorkerModel(DEFAULT_RULES, TimeRules(recorded=recorded)), []
    for number, said in enumerate(orders):
        value = b'{"id":"c%d","patient":"bed-1","actor":"clerk","issued_ts_ms":0,%s}' % (number, said)
        log.append(value)
    records = [order_record(i, 9_000_000, value) for i, value in enumerate(log)]
    for at_s in range(10_000, 10_090):
        offset = 2 * at_s
        records.append(frame_record(offset, at_s * 1000, seq=at_s, event_ms=at_s * 1000, **signals))
        records.append(tick_record(offset + 1, at_s * 1000))
    for record in records:
        worker.take([record])
    return [alert for alert in worker.alerts.values() if alert.phase == "start"]


def test_an_age_that_nobody_said_is_an_advisory_after_a_minute():
    [alert] = monitored()
    assert (alert.rule, alert.type, alert.priority) == ("age-unknown", "advisory", "low")
    assert 60_000 <= alert.event_ts_ms - 10_000_000 <= 70_000
    assert alert.source.model_dump(include={"kind", "name"}) == {"kind": "alarm-system", "name": "profile"}
    assert alert.reason.startswith("age: nobody said how old the patient is, an adult's limits hold")


@pytest.mark.parametrize(
    "said",
    [b'"kind":"admit","age_band":"adult"', b'"kind":"set-profile","age_band":"adult"'],
)
def test_an_age_that_was_said_is_none(said):
    assert monitored(said) == []


def test_an_admission_without_an_age_says_none():
    assert [alert.rule for alert in monitored(b'"kind":"admit","ward":"icu"')] == ["age-unknown"]


def test_recordings_say_no_ages_and_what_no_limit_by_age_watches_asks_for_none():
    assert monitored(recorded=True) == []
    assert monitored(signals={"fio2": 40, "on_oxygen": True}) == []
