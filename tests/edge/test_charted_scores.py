"""NEWS2 by hour and missing readings, on charts made by hand."""

import ast
from pathlib import Path

import numpy as np
import pytest

from edge.evaluation import early_warning, rcp_2017
from edge.evaluation.agreement import agreement
from edge.evaluation.early_warning import band_table, chart_of, hours_of
from edge.evaluation.missing import missing_lines
from edge.evaluation.recorded_episodes import Episode
from edge.evaluation.series import Series
from edge.readers import open_recording, parse_columns
from streams.contracts.alert import Alert, Evidence, Source

HOUR_MS = 3_600_000
NONE = None


def chart(**signals):
    """Moments and valid readings, one value an hour."""
    found = {
        name: [(hour * HOUR_MS, value) for hour, value in enumerate(values) if value is not None]
        for name, values in signals.items()
    }
    return [hour * HOUR_MS for hour in range(max(map(len, signals.values())))], found


def scored(inputs_min=5, **signals):
    return hours_of(*chart(**signals), HOUR_MS, inputs_min)


def news2_alert(phase, at_h, priority="medium", value=5.0):
    return Alert(
        id=f"e-{at_h}",
        episode="e",
        patient="p1",
        rule="news2",
        event="MDC_EVT",
        source=Source(kind="score", name="news2"),
        phase=phase,
        state="active",
        priority=priority,
        type="physiological",
        onset_ts_ms=0,
        event_ts_ms=round(at_h * HOUR_MS),
        append_ts_ms=0,
        evidence=Evidence(value=value),
        reason="NEWS2",
    )


SICK = {"resp": [26], "spo2": [90], "nbp_sys": [120], "hr": [80], "temp": [37.0]}


def steady(hours):
    return {"nbp_sys": [120] * hours, "hr": [80] * hours, "temp": [37.0] * hours}


def test_what_checks_the_score_shares_nothing_with_what_decides_it():
    for module in (rcp_2017, early_warning):
        tree = ast.parse(Path(module.__file__).read_text())
        names = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        names += [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
        assert not [name for name in names if name.split(".")[0] in {"clinical", "agents", "tables"}]


@pytest.mark.parametrize(
    ("parameter", "value", "expected"),
    [
        ("resp", 8.4, 3),
        ("resp", 8.5, 1),
        ("spo2", 91.5, 2),
        ("sbp", 219.4, 0),
        ("sbp", 219.5, 3),
        ("pulse", 130.0, 2),
        ("temp", 35.04, 3),
        ("temp", 35.05, 1),
        ("temp", 39.05, 2),
        ("consciousness", "A", 0),
        ("consciousness", "C", 3),
        ("on_oxygen", True, 2),
        ("on_oxygen", False, 0),
        ("on_oxygen", 21.0, 0),
        ("on_oxygen", 28.0, 2),
    ],
)
def test_the_printed_chart_is_read_as_one_writes_a_reading_down(parameter, value, expected):
    assert rcp_2017.points(parameter, value) == expected


def test_an_hour_is_scored_from_what_is_fresh():
    (hour,) = scored(**SICK)
    assert (hour.inputs, hour.total, hour.band) == (5, 6, 2)


def test_a_value_counts_for_two_charted_hours_and_no_longer():
    hours = scored(resp=[26, NONE, NONE], spo2=[98] * 3, **steady(3))
    assert [(hour.inputs, hour.band) for hour in hours] == [(5, 1), (5, 1), (4, None)]
    assert [hour.oldest_ms for hour in hours] == [60_000, HOUR_MS + 60_000, 60_000]
    assert [(hour.total, hour.total_held) for hour in hours] == [(3, 3), (3, 3), (0, 3)]


def test_a_chart_holds_letters_flags_and_no_reading_that_no_sensor_can_report(tmp_path):
    (tmp_path / "p1.csv").write_text("t,spo2,mind,o2\n0,130,V,true\n3600,97,A,\n7200,,,\n")
    columns = parse_columns("time_s=t,spo2=spo2,consciousness=mind,on_oxygen=o2")
    moments, readings = chart_of(open_recording(tmp_path / "p1.csv", columns))
    assert moments == [0, HOUR_MS, 2 * HOUR_MS]
    assert readings == {
        "consciousness": [(0, "V"), (HOUR_MS, "A")],
        "on_oxygen": [(0, True)],
        "spo2": [(HOUR_MS, 97.0)],
    }


def test_hours_are_counted_by_band_and_label_and_stays_by_what_they_reached():
    hours = {"p1": scored(**SICK), "p2": scored(hr=[80, 80])}
    labels = {"p1": {0: "1"}, "p2": {0: "0", HOUR_MS: "0"}}
    found = band_table(hours, labels)
    assert found.hours == {"0": {"unscored": 2}, "1": {"medium": 1}}
    assert (found.stays, found.septic, found.septic_reached, found.others_reached) == (2, 1, 1, 0)
    assert found.inputs == {1: 2, 5: 1}


def test_alarms_agree_where_they_tell_the_charts_band_and_total_in_each_hour():
    hours = {"p1": scored(resp=[26, 15, 15, 15], spo2=[90, 98, 98, 98], **steady(4))}
    began, over = news2_alert("start", 0.02, value=6.0), news2_alert("end", 1.02, value=0.0)
    right = agreement(hours, [began, over])
    assert (right.hours, right.bands_right, right.totals, right.totals_right) == (3, 3, 1, 1)
    assert right.complete
    assert agreement(hours, []).wrong == ["p1 at 0 h: told low; the chart medium, 6"]
    late = agreement(hours, [began, news2_alert("continue", 1.5), news2_alert("end", 2.02)])
    assert late.wrong == ["p1 at 1 h: told medium, 5; the chart low, 0"]


@pytest.mark.parametrize(
    ("value", "priority"), [(7.0, "medium"), (5.0, "medium"), (6.0, "low"), (6.0, "high")]
)
def test_a_total_or_a_band_that_is_off_by_one_is_wrong(value, priority):
    found = agreement(
        {"p1": scored(**{name: value * 2 for name, value in SICK.items()})},
        [news2_alert("start", 0.02, priority, value)],
    )
    assert not found.complete
    assert len(found.wrong) == 1


def test_an_input_that_is_too_old_may_be_held_at_its_last_points_or_not():
    hours = {"p1": scored(3, resp=[26, NONE, NONE, NONE], spo2=[91] * 4, **steady(4))}
    for total, priority, right in (
        (3.0, "low", True),
        (6.0, "medium", True),
        (7.0, "high", False),
        (2.0, "low", False),
    ):
        found = agreement(
            hours, [news2_alert("start", 0.02, value=6.0), news2_alert("update", 2.02, priority, total)]
        )
        assert (found.held, found.complete) == (1, right)


def test_missing_readings_are_counted_with_the_alarms_that_they_raise():
    zeros = {
        "p1": {
            name: Series(np.arange(4) * HOUR_MS, np.array(values, float))
            for name, values in (("spo2", [98, np.nan, np.nan, 97]), ("hr", [80] * 4))
        }
    }
    lost = Episode("p1", "signal-loss-spo2", "technical", "low", "spo2", 0, HOUR_MS, 2 * HOUR_MS, True, None)
    wrong = Episode(
        "p1", "spo2-desat", "physiological", "high", "spo2", 0, 2 * HOUR_MS, 3 * HOUR_MS, True, 0.0
    )
    right = Episode(
        "p1", "spo2-low", "physiological", "medium", "spo2", 0, 3 * HOUR_MS, 3 * HOUR_MS, True, 97.0
    )
    (line,) = missing_lines(zeros, {"one": [lost, right], "two": [lost, wrong]})
    assert (line.signal, line.readings, line.missing, line.longest_s) == ("spo2", 4, 2, 7200.0)
    assert line.technical == {"one": 1, "two": 1}
    assert line.physiological == {"one": 0, "two": 1}
