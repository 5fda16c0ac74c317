"""NEWS2 by hour and missing readings, on charts made by hand."""

import numpy as np

from edge.evaluation.early_warning import agreement, band_table, hours_of
from edge.evaluation.episodes import Episode
from edge.evaluation.missing import missing_lines
from edge.evaluation.series import Series

HOUR_MS = 3_600_000
NONE = float("nan")


def chart(**signals):
    """Series with one value an hour; NaN is a null."""
    return {
        name: Series(np.arange(len(values)) * HOUR_MS, np.array(values, float))
        for name, values in signals.items()
    }


def news2_alarm(start_ms, end_ms, ended=True):
    return Episode("p1", "news2", "physiological", "medium", None, start_ms, start_ms, end_ms, ended, 5.0)


SICK = {"resp": [26], "spo2": [90], "nbp_sys": [120], "hr": [80], "temp": [37.0]}


def test_an_hour_is_scored_from_what_is_fresh():
    (hour,) = hours_of(chart(**SICK), HOUR_MS, inputs_min=5)
    assert (hour.inputs, hour.lower_bound, hour.band) == (5, 6.0, 2)


def test_a_value_counts_for_two_charted_hours_and_no_longer():
    series = chart(resp=[26, NONE, NONE], spo2=[98] * 3, nbp_sys=[120] * 3, hr=[80] * 3, temp=[37.0] * 3)
    hours = hours_of(series, HOUR_MS, inputs_min=5)
    assert [(hour.inputs, hour.band) for hour in hours] == [(5, 1), (5, 1), (4, None)]
    assert [hour.oldest_ms for hour in hours] == [60_000, HOUR_MS + 60_000, 60_000]


def test_hours_are_counted_by_band_and_label_and_stays_by_what_they_reached():
    hours = {"p1": hours_of(chart(**SICK), HOUR_MS, 5), "p2": hours_of(chart(hr=[80, 80]), HOUR_MS, 5)}
    labels = {"p1": {0: "1"}, "p2": {0: "0", HOUR_MS: "0"}}
    found = band_table(hours, labels)
    assert found.hours == {"0": {"unscored": 2}, "1": {"medium": 1}}
    assert (found.stays, found.septic, found.septic_reached, found.others_reached) == (2, 1, 1, 0)
    assert found.inputs == {1: 2, 5: 1}


def test_alarms_agree_with_the_bands_where_they_are_open_in_just_those_hours():
    series = chart(resp=[26, 15, 15], spo2=[90, 98, 98], nbp_sys=[120] * 3, hr=[80] * 3, temp=[37.0] * 3)
    hours = {"p1": hours_of(series, HOUR_MS, 5)}
    right = news2_alarm(60_000, HOUR_MS + 60_000)
    assert agreement(hours, [right]) == (3, 3)
    assert agreement(hours, []) == (2, 3)
    assert agreement(hours, [news2_alarm(60_000, 3 * HOUR_MS, ended=False)]) == (1, 3)


def test_missing_readings_are_counted_with_the_alarms_that_they_raise():
    zeros = {"p1": chart(spo2=[98, NONE, NONE, 97], hr=[80] * 4)}
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
