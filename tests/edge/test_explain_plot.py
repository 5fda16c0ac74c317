"""An explained alert on a terminal and as a picture: limits, onset, start and gaps are where they belong."""

import math
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from alert_of import alert_of
from rich.console import Console

from edge.explanation.evidence import Evidence, Moment
from edge.explanation.picture import picture
from edge.explanation.terminal import arrivals, facts, headline, plot, signals_table
from edge.svg import Plot, ticks
from streams.contracts import alert as alerts

COLUMNS = 108  # 100 of them are the plot's: one a second of `evidence()`


def alert(**more):
    said = {
        "source": alerts.Source(kind="signal", name="spo2", unit="%", device="monitor-1"),
        "onset_ts_ms": 40_000,
        "event_ts_ms": 55_000,
        "append_ts_ms": 55_000,
        "evidence": alerts.Evidence(value=84.0, low=90.0, delay_s=15.0, extreme=82.0),
    }
    return alert_of(**said | more)


def evidence(own=None, lost_s=()):
    own = own or alert()
    moments = tuple(
        Moment(s * 1000, {"spo2": math.nan if s in lost_s else (97.0 if s < 40 else 84.0), "hr": 80.0 + s})
        for s in range(100)
    )
    return Evidence(own, (own,), 0, 100_000, moments, by_append=False)


def drawn(what):
    console = Console(width=COLUMNS + 2, color_system=None)
    with console.capture() as capture:
        console.print(what)
    return capture.get()


def test_the_sentence_and_every_number_are_printed():
    text = drawn(headline(evidence())) + drawn(facts(evidence()))
    for words in (
        "oxygen saturation 84 %, below 90 for 15 s",
        "medium physiological alarm spo2-low of bed-1: start",
        "1970-01-01 00:00:40.000Z",
        "15 s after the onset",
        "lower limit  90 %",
        "delay        15 s",
        "worst so far 82 %",
        "monitor-1",
    ):
        assert " ".join(words.split()) in " ".join(text.split())


def test_the_plot_marks_onset_start_and_limit():
    lines = drawn(plot(evidence(), "spo2", COLUMNS)).splitlines()
    above = lines[0]
    assert above.index("┊") == 8 + 40
    assert above.index("│") == 8 + 55
    (limit,) = [line for line in lines[:12] if "╌" in line]
    assert limit.strip().startswith("90")
    assert "onset" in lines[13]


def test_the_readings_are_dots_at_their_time_and_height():
    lines = drawn(plot(evidence(), "spo2", COLUMNS)).splitlines()[:12]
    dots = {
        (row, column)
        for row, line in enumerate(lines)
        for column, sign in enumerate(line)
        if "⠀" < sign <= "⣿"
    }
    high = {row for row, column in dots if column < 8 + 39}
    low = {row for row, column in dots if column > 8 + 42}
    assert max(high) < min(low)
    limit = next(row for row, line in enumerate(lines) if "╌" in line)
    assert max(high) < limit < min(low)
    assert {column for _, column in dots} == set(range(8, 108))


def test_missing_readings_are_marked_and_leave_a_gap():
    lines = drawn(plot(evidence(lost_s=range(60, 65)), "spo2", COLUMNS)).splitlines()
    assert [column for column, sign in enumerate(lines[12]) if sign == "x"] == list(range(68, 73))
    assert not any("⠀" < sign <= "⣿" for line in lines[:12] for sign in line[69:72])


def test_readings_far_apart_stay_single_dots():
    moments = tuple(Moment(s * 1000, {"spo2": 97.0}) for s in (10, 13, 50, 90))
    lines = drawn(
        plot(Evidence(alert(), (alert(),), 0, 100_000, moments, False), "spo2", COLUMNS)
    ).splitlines()[:12]
    columns = {column - 8 for line in lines for column, sign in enumerate(line) if "⠀" < sign <= "⣿"}
    assert columns == {10, 11, 12, 13, 50, 90}


def test_without_a_signal_the_frames_arrivals_are_shown():
    own = alert(source=alerts.Source(kind="device", name="device"), type="technical", rule="silent-device")
    lines = drawn(arrivals(evidence(own), COLUMNS)).splitlines()
    assert lines[0].count("█") == 100
    assert (lines[1].index("┊"), lines[1].index("│")) == (48, 63)


def test_the_table_gives_each_signal_at_the_event():
    rows = drawn(signals_table(evidence(lost_s=(55,)))).splitlines()
    pulse = next(row for row in rows if "heart rate" in row).split()
    assert pulse[-6:] == ["135", "80", "179", "bpm", "100", "0"]
    spo2 = next(row for row in rows if "oxygen saturation" in row).split()
    assert spo2[-6:] == ["84", "84", "97", "%", "99", "1"]


def test_a_name_from_the_broker_cannot_steer_the_terminal():
    assert "\x1b" not in drawn(headline(evidence(alert(patient="bed\x1b[31m"))))


def test_the_picture_is_sound_xml_with_limit_onset_start_and_readings():
    own = alert(reason="oxygen saturation 84 % < 90 & falling")
    root = ET.fromstring(picture(evidence(own, lost_s=(50,)), "spo2", "oxygen saturation, %"))
    kinds = [element.get("class", "") for element in root]
    assert kinds.count("limit") == kinds.count("onset") == kinds.count("mark") == 1
    assert kinds.count("line second") == 2  # the missing reading parts the line
    assert any(element.text == own.reason for element in root)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 100, [0, 20, 40, 60, 80, 100]),
        (75, 91, [75, 80, 85, 90]),
        (0, 0.5, [0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        (3, 3, [3]),
    ],
)
def test_axes_have_round_ticks_inside_their_ends(low, high, expected):
    assert ticks(low, high) == expected


def test_a_logarithmic_axis_puts_decades_at_equal_distances():
    plot = Plot((1, 1000), (0, 1), log_x=True)
    steps = [plot.px(value) for value in (1, 10, 100, 1000)]
    assert [b - a for a, b in pairwise(steps)] == pytest.approx([steps[1] - steps[0]] * 3)
