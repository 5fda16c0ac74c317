"""A score falls by what is measured only: what is missing keeps its last points until it is measured or lapses."""

import pytest
from live_bed import LiveBeds

from clinical.rules import News2Rules, RuleSet

HOUR_S = 3600
RULES = RuleSet((), news2=News2Rules(delay_s=10), responsibility=())
SICK = {"resp": 22, "spo2": 95, "pulse": 95, "consciousness": "A", "on_oxygen": False, "temp": 37.0}
"""Four points of NEWS2 without the pressure: two for respiration, one for the saturation, one for the pulse."""


def beside_a_cuff(hours, cuff_s, sys=88, monitor=SICK, rules=RULES):
    """Return the beds after so long with a monitor once a minute and a cuff as often as it announces."""
    beds = LiveBeds(rules)
    for at_s in range(0, hours * HOUR_S, 60):
        if at_s % cuff_s == 0:
            beds.frame(at_s, "cuff", interval_ms=cuff_s * 1000, nbp_sys=sys)
        beds.frame(at_s + 0.1, "mon", interval_ms=60_000, **monitor)
        beds.tick(at_s + 0.5)
    return beds


def of_news2(beds):
    """Return (phase, s) of the score's alerts but for reminders."""
    return [(phase, at_s) for _, rule, phase, at_s in beds.told() if rule == "news2" and phase != "continue"]


def continued(beds):
    alerts = [a for a in beds.worker.alerts.values() if (a.rule, a.phase) == ("news2", "continue")]
    return sorted(alerts, key=lambda alert: alert.event_ts_ms)


def test_a_four_hourly_cuff_keeps_a_steady_news2_of_7_open_for_nine_hours():
    beds = beside_a_cuff(9, 4 * HOUR_S)
    told = of_news2(beds)
    assert [phase for phase, _ in told] == ["start"]
    assert told[0][1] < 120
    assert beds.alert("news2").evidence.value == 7
    assert {alert.evidence.value for alert in continued(beds)} == {7}
    assert continued(beds)[-1].event_ts_ms - beds.alert("news2").event_ts_ms > 8.9 * HOUR_S * 1000


def test_an_alert_names_what_is_old_and_what_is_missing():
    beds = LiveBeds(RULES)
    for at_s in range(0, 3 * HOUR_S, 60):
        if at_s == 0:
            beds.frame(at_s, "cuff", interval_ms=60_000, nbp_sys=88)
        beds.frame(at_s + 0.1, "mon", interval_ms=60_000, **{k: v for k, v in SICK.items() if k != "temp"})
        beds.tick(at_s + 0.5)
    assert [phase for phase, _ in of_news2(beds)] == ["start"]
    assert (beds.alert("news2").evidence.missing, beds.alert("news2").evidence.old) == (("temp",), ())
    last = continued(beds)[-1]
    assert (last.evidence.value, last.evidence.missing, last.evidence.old) == (7, ("temp",), ("sbp",))
    assert "not measured now: sbp" in last.reason


def test_a_score_falls_when_what_is_better_is_measured():
    beds = beside_a_cuff(1, 600)
    assert [phase for phase, _ in of_news2(beds)] == ["start"]
    beds.frame(HOUR_S + 1, "cuff", interval_ms=600_000, nbp_sys=120)
    beds.frame(HOUR_S + 1, "mon", interval_ms=60_000, **SICK)
    for at_s in range(HOUR_S + 5, HOUR_S + 60, 5):
        beds.tick(at_s)
    assert [phase for phase, _ in of_news2(beds)] == ["end"]


def test_a_score_lapses_after_an_hour_without_enough_inputs_and_says_that_it_is_unknown():
    beds = beside_a_cuff(1, 600)
    for at_s in range(HOUR_S, 4 * HOUR_S, 60):
        beds.frame(at_s, "mon", interval_ms=60_000, pulse=95)
        beds.tick(at_s + 0.5)
    start, end = of_news2(beds)
    assert (start[0], end[0]) == ("start", "end")
    assert 2 * HOUR_S <= end[1] <= 3 * HOUR_S + 60
    assert "not measured" in beds.alert("news2", "end").reason


def test_after_it_lapsed_a_score_begins_with_nothing_of_what_was_measured_before():
    beds = beside_a_cuff(1, 600)
    for at_s in range(HOUR_S, 4 * HOUR_S, 60):
        beds.tick(at_s)
    assert of_news2(beds)[-1][0] == "end"
    well = {"resp": 15, "spo2": 98, "pulse": 70, "consciousness": "A", "on_oxygen": False, "temp": 37.0}
    for at_s in range(4 * HOUR_S, 4 * HOUR_S + 120, 5):
        beds.frame(at_s, "mon", **well)
        beds.tick(at_s + 0.5)
    assert of_news2(beds) == []


def test_air_that_is_inspired_is_a_measured_input():
    four = {name: SICK[name] for name in ("resp", "spo2", "pulse")} | {"abp_sys": 88}
    beds = LiveBeds(RULES)
    for at_s in range(0, 60, 5):
        beds.frame(at_s, "mon", **four)
        beds.tick(at_s + 0.5)
    assert of_news2(beds) == []
    for at_s in range(60, 120, 5):
        beds.frame(at_s, "mon", **four, fio2=21)
        beds.tick(at_s + 0.5)
    assert [phase for phase, _ in of_news2(beds)] == ["start"]
    assert beds.alert("news2").evidence.missing == ("consciousness", "temp")


@pytest.mark.parametrize(
    ("oxygen", "points"),
    [
        ({}, 7),
        ({"fio2": 21}, 7),
        ({"fio2": 22}, 9),
        ({"fio2": 40, "on_oxygen": False}, 7),  # charted otherwise
        ({"on_oxygen": True}, 9),
    ],
)
def test_more_than_air_holds_in_what_is_inspired_counts_as_oxygen_where_it_is_not_charted(oxygen, points):
    monitor = {name: value for name, value in SICK.items() if name != "on_oxygen"} | oxygen
    beds = LiveBeds(RULES)
    for at_s in range(0, 60, 5):
        beds.frame(at_s, "mon", abp_sys=88, **monitor)
        beds.tick(at_s + 0.5)
    assert [phase for phase, _ in of_news2(beds)] == ["start"]
    assert beds.alert("news2").evidence.value == points
