"""docs/alarms.md shows the alarm system's delay of every built-in alarm as the code has it."""

from pathlib import Path

import pytest
from test_conditions import watch
from test_tick_judge import Ward

from agents.delay_table import table
from agents.judging.catalogue import alarms_of
from clinical.defaults import DEFAULT_RULES

TEXT = (Path(__file__).parents[2] / "docs" / "alarms.md").read_text(encoding="utf-8")
AGAIN = "put what `python -m agents.delay_table` prints into docs/alarms.md"


def row_of(alarm):
    return next(line.split(" | ") for line in table(DEFAULT_RULES).splitlines() if f"`{alarm}`" in line)


def test_the_documentation_shows_what_the_code_says():
    assert table(DEFAULT_RULES) in TEXT, AGAIN


def test_every_built_in_alarm_has_a_delay():
    assert all(f"`{alarm.id}`" in table(DEFAULT_RULES) for alarm in alarms_of(DEFAULT_RULES))


@pytest.mark.parametrize(
    ("alarm", "well", "ill"),
    [
        ("spo2-desat", {"spo2": 97}, {"spo2": 70}),
        ("nbp-sys-low", {"hr": 80}, {"nbp_sys": 85}),
        ("vital-loss", {"hr": 80, "pulse": 80, "spo2": 97, "resp": 16}, {"hr": 80}),
        ("signal-loss-spo2", {"hr": 80, "spo2": 97}, {"hr": 80, "spo2": None}),
        ("check-sensor", {"hr": 80, "pulse": 80}, {"hr": 80, "pulse": 50}),
    ],
)
@pytest.mark.parametrize("begins_s", [100, 101, 102, 103, 104])
def test_an_alarm_is_told_no_later_than_the_table_says(alarm, well, ill, begins_s):
    bed = Ward(DEFAULT_RULES)
    watch(bed, 60, begins_s, **well)
    watch(bed, begins_s, begins_s + 60, **ill)
    told_s = bed.alert(alarm, "start").event_ts_ms / 1000 - begins_s
    assert told_s <= float(row_of(alarm)[-1].removesuffix(" s |"))


@pytest.mark.parametrize("begins_s", [100, 101, 102, 103, 104])
def test_readings_that_are_missing_now_and_then_are_told_no_later_than_the_table_says(begins_s):
    bed = Ward(DEFAULT_RULES)
    watch(bed, 60, begins_s, spo2=97)
    for at_s in range(begins_s, begins_s + 80):
        watch(bed, at_s, at_s + 1, spo2=None if (at_s - begins_s) % 4 == 0 else 97)
    told_s = bed.alert("unreliable-signal-spo2", "start").event_ts_ms / 1000 - begins_s
    assert told_s <= float(row_of("unreliable-signal-spo2")[-1].removesuffix(" s |"))
