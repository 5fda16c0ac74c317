"""Records of others are read by their contract or skipped, counted and named; nothing of them steers a terminal."""

import json
from types import SimpleNamespace

import pytest
from alert_of import alert_of

from edge.printing import Coloured, cell, print_json, say, say_json
from edge.records import TS_MS_MAX, Skipped, read_record, told
from streams.contracts.alert import Alert
from streams.contracts.patient_state import Patient
from streams.errors import BadData

ALERT = alert_of(id="e-0", episode="e", append_ts_ms=0, reason="low").model_dump(mode="json")
PATIENT = {"patient": "bed-1", "ward": "", "seen_ts_ms": 1, "pause": None, "pause_until_ts_ms": None}
ALARM = {"rule": "hr-high", "episode": "e", "state": "active", "priority": "high", "onset_ts_ms": 1}


def record(value, topic="vitals.alerts", offset=7):
    raw = value if isinstance(value, bytes | None) else json.dumps(value).encode()
    return SimpleNamespace(topic=topic, partition=3, offset=offset, value=raw)


@pytest.mark.parametrize("ts_ms", [0, TS_MS_MAX])
def test_every_time_of_the_calendar_is_read_at_limit(ts_ms):
    skipped = Skipped()
    assert read_record(Alert, record(ALERT | {"event_ts_ms": ts_ms}), skipped).event_ts_ms == ts_ms
    assert (skipped.count, skipped.read, skipped.line()) == (0, 1, "")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "Invalid JSON"),
        (b"no alert", "Invalid JSON"),
        (b"\xff\xfe", "Invalid JSON"),
        ({}, "id: Field required"),
        (ALERT | {"event_ts_ms": TS_MS_MAX + 1}, "event_ts_ms is a time of no calendar"),
        (ALERT | {"onset_ts_ms": -1}, "onset_ts_ms is a time of no calendar"),
        (ALERT | {"append_ts_ms": 10**30}, "append_ts_ms"),
        (ALERT | {"evidence": {"low": float("inf")}}, "low is no number that can be"),
        (ALERT | {"evidence": {"extreme": -1e300}}, "extreme is no number that can be"),
    ],
)
def test_what_is_no_alert_is_skipped_and_named(value, says):
    skipped = Skipped()
    assert read_record(Alert, record(value), skipped) is None
    line = skipped.line()
    assert line.startswith(
        "skipped what cannot be read: 1 of vitals.alerts; the last: partition 3, offset 7: "
    )
    assert says in line


@pytest.mark.parametrize(
    "more",
    [
        {"alarms": [ALARM | {"onset_ts_ms": 10**17}], "values": {}},
        {"alarms": [ALARM], "values": {"hr": {"value": 80.0, "ts_ms": -5}}},
        {"alarms": [ALARM], "values": {"hr": {"value": float("nan"), "ts_ms": 5}}},
        {"alarms": [], "values": {}, "pause_until_ts_ms": 10**17},
    ],
)
def test_times_and_numbers_are_looked_at_however_deep_they_stand(more):
    skipped = Skipped()
    assert read_record(Patient, record(PATIENT | more, "vitals.patients"), skipped) is None
    assert "1 of vitals.patients" in skipped.line()


def test_what_was_skipped_is_the_last_line_and_no_failure_while_something_was_read(capsys):
    skipped = Skipped()
    with told(skipped):
        read_record(Alert, record(b"x", "vitals.patients"), skipped)
        read_record(Alert, record(b"x"), skipped)
        read_record(Alert, record(b"x", offset=9), skipped)
        read_record(Alert, record(ALERT), skipped)
    said = capsys.readouterr().err
    assert said.startswith(
        "vigil: skipped what cannot be read: 2 of vitals.alerts, 1 of vitals.patients; "
        "the last: partition 3, offset 9: Invalid JSON"
    )
    assert said.count("\n") == 1


def test_where_nothing_could_be_read_the_command_fails(capsys):
    skipped = Skipped()
    with pytest.raises(BadData, match="none of 1 records could be read"), told(skipped):
        read_record(Alert, record(b"x"), skipped)
    assert "offset 7" in capsys.readouterr().err


def test_nothing_skipped_is_nothing_said(capsys):
    with told(Skipped()):
        pass
    assert capsys.readouterr().err == ""


NASTY = "\x1b[2J\r\n\x07\x9b31m\x7f\u202eevil\u2028"


def test_what_would_steer_a_terminal_is_printed_as_a_mark(capsys):
    say("bed ", Coloured(NASTY, "red"), NASTY)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert all(one.isprintable() for one in out.rstrip("\n"))
    assert out.count("evil") == 2
    assert all(one.isprintable() for one in cell(NASTY).plain)


@pytest.mark.parametrize("printed", [lambda data: say_json(json.dumps(data, ensure_ascii=False)), print_json])
def test_json_on_a_terminal_says_the_same_without_steering_it(capsys, printed):
    data = {"patient": NASTY, "ward": "Süd \U000e0001"}
    printed(data)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert all(one.isprintable() for one in out.rstrip("\n"))
    assert json.loads(out) == data


def test_brackets_in_a_field_are_no_markup():
    assert cell("[/bold] [link=x]").plain == "[/bold] [link=x]"
