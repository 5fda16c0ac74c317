"""A bound in place of a value: it raises the alarms that it settles, ends none, and is nobody's last value."""

import json

import numpy as np
import pytest
from board_model import BoardModel
from logs import frame_record, order_record, tick_record
from worker_model import WorkerModel

from agents.judging.alert_facts import report
from agents.judging.verdict import Verdict
from clinical.clock import TimeRules
from clinical.defaults import DEFAULT_RULES
from clinical.vitals import INDEX
from streams.contracts import topics
from streams.contracts.alert import episode_id

pytestmark = pytest.mark.usefixtures("engine")


def told(says, orders=(), ticks=True, ttl_s=86_400):
    """Judge a frame a second of one device, each with these readings; return the worker and its alerts.

    A text as `<80` is a bound; a tick follows each frame.
    """
    worker, log = WorkerModel(DEFAULT_RULES, TimeRules(recorded=True), ttl_s), []
    for second, signals in enumerate(says):
        log.append(
            frame_record(len(log), second * 1000, seq=second, event_ms=second * 1000, **written(signals))
        )
        log += [
            order_record(len(log), second * 1000, {**order, "issued_ts_ms": second * 1000})
            for at_s, order in orders
            if at_s == second
        ]
        if ticks:
            log.append(tick_record(len(log), second * 1000))
    worker.work(log, [])
    return worker, [report(worker.judge.alarms[one.column], one) for one in worker.transitions]


def written(signals):
    """Return the members of a frame."""
    values, bounds = {}, {}
    for name, said in signals.items():
        if isinstance(said, str) and said != "A":
            number = said.lstrip("<>=")
            bounds[name] = {"comparator": said[: -len(number)], "value": float(number)}
        else:
            values[name] = said
    return {**values, "bounds": bounds} if bounds else values


def of(alerts, rule):
    return [(alert.phase, alert.event_ts_ms // 1000) for alert in alerts if alert.rule == rule]


def spo2(*says):
    return [{"spo2": said, "hr": 80} for said in says]


def test_what_may_be_inside_the_limit_raises_no_alarm_of_it_and_is_a_missing_reading():
    alerts = told(spo2(97, 97, *[">85"] * 40))[1]
    assert {alert.rule for alert in alerts} == {"signal-loss-spo2"}
    assert of(alerts, "signal-loss-spo2")[0][0] == "start"


def test_what_cannot_be_inside_raises_the_alarms_that_it_settles_and_shows_the_bound():
    alerts = told(spo2(97, 97, *["<80"] * 20))[1]
    assert of(alerts, "spo2-desat") == [("start", 7)]
    start = next(alert for alert in alerts if alert.rule == "spo2-desat")
    assert (start.evidence.value, start.evidence.extreme, start.evidence.bound) == (None, None, "<80")
    assert (start.reason, start.event) == ("oxygen saturation <80 %, below 80 for 5 s", "MDC_EVT_LO")
    assert "signal-loss-spo2" not in {alert.rule for alert in alerts}


def test_a_bound_settles_each_limit_for_itself():
    alerts = told(spo2(97, *["<85"] * 40))[1]
    assert of(alerts, "spo2-low") == [("start", 16)]
    assert of(alerts, "spo2-desat") == []
    assert of(told(spo2(97, *["<=80"] * 40))[1], "spo2-desat") == []


def test_an_open_alarm_is_not_ended_by_what_may_be_inside_but_by_a_number_that_is():
    alerts = told(spo2(97, *[84] * 20, *[">85"] * 30, *[97] * 40))[1]
    as_missing = told(spo2(97, *[84] * 20, *[None] * 30, *[97] * 40))[1]
    assert of(alerts, "spo2-low") == of(as_missing, "spo2-low")
    assert [phase for phase, _ in of(alerts, "spo2-low")] == ["start", "continue", "end"]
    assert of(told(spo2(97, *[84] * 20, *[">95"] * 30))[1], "spo2-low") == [("start", 16)]


def test_a_run_goes_on_over_bounds_and_numbers_and_what_is_missing_for_a_moment():
    says = [84, "<85", None, "<85", 84, "<80", 84, None, "<85", 84, "<90", 84, "<85", 84, "<88", 84]
    assert of(told(spo2(97, *says, *says))[1], "spo2-low") == [("start", 16)]


def test_the_worst_is_the_bound_until_a_number_is_worse():
    alerts = told(spo2(97, *["<85"] * 16, 87, 60, *[97] * 8))[1]
    start, end = (alert.evidence for alert in alerts if alert.rule == "spo2-low")
    assert (start.extreme, start.bound) == (None, "<85")
    assert (end.extreme, end.bound) == (60.0, None)


def test_a_bound_is_nobody_s_last_value_and_the_board_shows_it_as_what_it_is():
    worker, _ = told(spo2(97, *["<80"] * 20))
    written = BoardModel(worker.judge).show(worker.table, Verdict(profiled=["bed-1"]))
    record = written[topics.PATIENTS, "bed-1"]
    assert sorted(record["values"]) == ["hr"]
    desat = next(alarm for alarm in record["alarms"] if alarm["rule"] == "spo2-desat")
    assert (desat["value"], desat["extreme"], desat["bound"]) == (None, None, "<80")
    json.dumps(record, allow_nan=False)


def test_bounds_are_in_no_window_and_no_score_falls_because_of_one():
    ill = {
        "spo2": 84,
        "hr": 80,
        "resp": 22,
        "abp_sys": 120,
        "consciousness": "A",
        "temp": 37,
        "on_oxygen": True,
    }
    says = [ill] * 60 + [{**ill, "spo2": "<80"}] * 200
    worker, alerts = told(says)
    assert {phase for phase, _ in of(alerts, "news2")} == {"start", "escalate", "update", "continue"}
    means = worker.table.windows.means(
        np.array([worker.table.row_of["bed-1"]]), INDEX["spo2"], 259_000 // 30_000, 6
    )
    assert means[0][:2].tolist() != means[0][:2].tolist()


def test_a_bound_holds_no_score_up_that_is_made_for_other_ages():
    ill = {"spo2": 84, "hr": 80, "resp": 22, "abp_sys": 120, "consciousness": "A", "temp": 37}
    profile = {"kind": "set-profile", "id": "1", "patient": "bed-1", "age_band": "child", "actor": "n"}
    says = [ill] * 60 + [{**ill, "spo2": "<70"}] * 60
    assert of(told(says, orders=[(70, profile)])[1], "news2")[-1][0] == "end"


def test_an_alarm_that_a_pause_held_back_is_told_when_it_is_over_though_no_frame_comes():
    pause = {
        "kind": "pause",
        "id": "1",
        "patient": "bed-1",
        "mode": "alarm-paused",
        "seconds": 60,
        "actor": "n",
    }
    says = [{"nbp_sys": 120, "hr": 80}, {"hr": 80}, {"nbp_sys": "<85", "hr": 80}, *[{"hr": 80}] * 90]
    assert of(told(says)[1], "nbp-sys-low")[0] == ("start", 2)
    alerts = told(says, orders=[(1, pause)])[1]
    assert of(alerts, "nbp-sys-low")[0] == ("start", 61)


def test_who_knows_of_an_alarm_is_told_when_a_bound_is_worse_for_sure():
    episode = episode_id("bed-1", "spo2-low", 1_000)
    known = {"kind": "acknowledge", "id": "1", "patient": "bed-1", "episode": episode, "actor": "n"}
    says = spo2(97, *[89] * 20, "<70", "<70", "<70")
    rules = of(told(says, orders=[(18, known)])[1], "spo2-low")
    assert ("escalate", 21) in rules
