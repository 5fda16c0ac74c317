"""Recordings as they lie on people's disks, judged: each stands for a kind of file that was misread once."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from edge import cli
from edge.evaluation.datasets import Dataset
from edge.evaluation.judging import judge_under
from edge.readers import notation_of, open_recording, parse_columns
from edge.readers.wfdb_record import from_record
from streams.config.rulesets import path_of
from streams.config.settings import Settings
from streams.kafka.log_file import write_log


@pytest.fixture
def starts(tmp_path):
    """Return the alarms that start on a recording, by rule: times in s."""

    def judged(recording):
        write_log(tmp_path / "log", Dataset("case", tmp_path, (recording,)).log())
        found = judge_under(tmp_path / "log", {"vigil": path_of(Path("vigil"))}, Settings(), tmp_path)[
            "vigil"
        ]
        times: dict[str, list[float]] = {}
        for alert in found.alerts:
            if alert.phase == "start":
                times.setdefault(alert.rule, []).append(alert.event_ts_ms / 1000)
        return times

    return judged


@pytest.fixture
def read(tmp_path):
    def from_text(header, rows, columns=None, **how):
        path = tmp_path / "p1.csv"
        path.write_text(header + "\n" + "".join(f"{row}\n" for row in rows))
        return open_recording(path, columns and parse_columns(columns), notation_of(**how))

    return from_text


def wfdb_record(tmp_path, **signals):
    """A record of one sample a second: name with `_` for a blank -> (unit, gain, samples)."""
    units, gains, values = zip(*signals.values(), strict=True)
    record = SimpleNamespace(
        fs=1.0,
        sig_name=[name.replace("_", " ") for name in signals],
        units=list(units),
        adc_gain=list(gains),
        samps_per_frame=[1] * len(signals),
        e_p_signal=[np.array(one, float) for one in values],
    )
    return from_record(tmp_path / "p1.hea", record)


def test_of_mimic_columns_that_measure_the_same_the_first_is_judged(read, starts):
    rows = [f"{second},80,84,97" for second in range(60)]
    assert starts(read("t_s,HR [bpm],SpO2 [%],SpO2 [%]", rows)) == {"spo2-low": [15.0]}


@pytest.mark.parametrize("blank", ["--", "255"])
def test_what_a_device_writes_for_no_reading_ends_no_replay(read, starts, blank):
    shown = [97] * 20 + [blank] * 5 + [84] * 35
    rows = [f"2025-11-27T20:48:{second:02d},{value},72" for second, value in enumerate(shown)]
    found = starts(read("Time,SpO2,PR", rows, "time_iso=Time,spo2=SpO2,pulse=PR"))
    assert found["spo2-low"] == [40.0]


def test_no_reading_in_all_signals_is_no_alarm_of_the_patient(read, starts):
    shown = [(97, 72)] * 20 + [(255, 65535)] * 20 + [(97, 72)] * 20
    rows = [f"{4 * number},{spo2},{pulse}" for number, (spo2, pulse) in enumerate(shown)]
    found = starts(read("t,SpO2,PR", rows, "time_s=t,spo2=SpO2,pulse=PR"))
    assert {"signal-loss-spo2", "signal-loss-pulse"} <= set(found)
    assert not {rule for rule in found if rule.startswith(("spo2", "pulse"))}


def test_an_oximeters_export_alarms_a_delay_after_the_saturation_falls(read, starts):
    rows = [
        f'"08:{48 + (26 + 4 * number) // 60:02d}:{(26 + 4 * number) % 60:02d}PM Nov 27, 2025",'
        f"{84 if 40 <= number < 90 else 97},72,0,0,0,"
        for number in range(120)
    ]
    recording = read(
        "Time,SpO2(%),Pulse Rate(bpm),Motion,SpO2 Reminder,PR Reminder,",
        rows,
        "time_text=Time,spo2=SpO2(%),pulse=Pulse Rate(bpm)",
        time_form="%I:%M:%S%p %b %d, %Y",
    )
    assert starts(recording) == {"spo2-low": [176.0]}  # onset 160 s, 15 s later, at the next reading


def test_a_temperature_in_fahrenheit_alarms_where_the_map_names_its_unit_and_is_named_where_not(read, starts):
    rows = [f"{60 * number},{103.6 if number >= 20 else 98.6},80" for number in range(60)]
    assert starts(read("t,temp,hr", rows, "time_s=t,temp=temp[degF],hr=hr")) == {"temp-high": [1200.0]}
    unnamed = read("t,temp,hr", rows, "time_s=t,temp=temp,hr=hr")
    assert starts(unnamed) == {}
    assert "temp: 60 of 60 readings (98.6 to 103.6) are outside 10 to 45 Cel" in unnamed.notes[0]


@pytest.mark.parametrize(
    ("columns", "times"),
    [
        ("time_s=t,spo2=spo2,hr=hr", [*range(30), *range(31_536_000, 31_536_030)]),
        (
            "time_iso=t,spo2=spo2,hr=hr",
            ["1970-01-01T00:00:03", "1970-01-01T00:00:04"]
            + [f"2026-05-01T10:00:{second:02d}" for second in range(58)],
        ),
    ],
)
def test_a_wrong_date_or_a_year_without_frames_is_judged_as_silence_and_named(read, starts, columns, times):
    recording = read("t,spo2,hr", [f"{time},97,72" for time in times], columns)
    assert "days between frame" in recording.notes[0]
    assert set(starts(recording)) == {"silent-device"}


def test_older_names_and_fahrenheit_of_a_record_are_judged(tmp_path, starts):
    mean = [80] * 30 + [50] * 30
    record = wfdb_record(
        tmp_path,
        HR=("bpm", 10, [80] * 60),
        SpO2=("%", 10, [97] * 60),
        ABP_Mean=("mmHg", 10, mean),
        TEMP=("degF", 10, [98.6] * 30 + [103.6] * 30),
    )
    found = starts(record)
    assert (found["abp-mean-low"], found["temp-high"]) == ([40.0], [30.0])


def test_a_reading_at_the_limit_that_the_file_cannot_hold_raises_no_alarm(tmp_path, starts):
    record = wfdb_record(
        tmp_path,
        HR=("bpm", 1170.2467532467533, [77, 133] + [120.00033292642326] * 58),
        SpO2=("%", 1724.5737704918033, [99, 99] + [90.0002091314131] * 58),
    )
    assert starts(record) == {}


def test_devices_of_one_patient_flags_and_folders_are_replayed_and_notes_are_told(tmp_path, capfd):
    ward = tmp_path / "ward"
    (ward / "b").mkdir(parents=True)
    rows = [f"{second},{'true' if second >= 10 else 'false'},v,400\n" for second in range(20)]
    (ward / "b" / "monitor.csv").write_text("t,a,c,h\n" + "".join(rows))
    (ward / "oximeter.csv").write_text("t,a,c,h\n" + "".join(f"{second},,,80\n" for second in range(20)))
    columns = "time_s=t,asystole=a,consciousness=c,hr=h"
    alerts = tmp_path / "alerts.jsonl"
    arguments = [
        "--columns",
        columns,
        "--patient",
        "bed-7",
        "--speed",
        "max",
        "--alerts",
        str(alerts),
        "--json",
    ]
    assert cli.main(["replay", str(ward), *arguments]) == 0
    said = capfd.readouterr()
    data = json.loads(said.out)
    assert (data["recordings"], data["frames"], data["starts"]["asystole"]) == (2, 40, 1)
    assert "hr: 20 of 20 readings (400 to 400)" in data["notes"][0]
    assert data["notes"][0] in said.err
    (start,) = [
        one
        for one in map(json.loads, alerts.read_text().splitlines())
        if (one["rule"], one["phase"]) == ("asystole", "start")
    ]
    assert (start["patient"], start["source"]["device"]) == ("bed-7", "monitor")


def test_the_first_frame_that_is_refused_is_told_with_its_reason(tmp_path, monkeypatch, capfd):
    path = tmp_path / "p1.csv"
    path.write_text("t,hr\n" + "".join(f"{second},80\n" for second in range(5)))
    monkeypatch.setattr("edge.readers.plain.Cell.value_of", lambda cell, signal: "eighty")
    assert cli.main(["replay", str(path), "--columns", "time_s=t,hr=hr", "--speed", "max"]) == 4
    assert "refused 5 frames of the recordings; the first, of p1 at 0 s: " in capfd.readouterr().err
