import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.readers import open_recording, parse_columns
from edge.readers.recording import patient_of
from streams.contracts.frame import ID_PATTERN
from streams.errors import BadData, UnknownRecording, UsageError

BIDMC = "Time [s], HR, PULSE, RESP, SpO2\n"


@pytest.fixture
def file(tmp_path):
    def write(text, name="patient_1.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def frames(recording):
    return [(frame.t_ms, frame.signals) for frame in recording.frames()]


def test_bidmc_an_empty_cell_is_a_missing_reading(file):
    recording = open_recording(file(BIDMC + "-0,81,80,25,84\n1,,80,,84\n"))
    assert (recording.patient, recording.interval_ms) == ("patient_1", 1_000)
    assert frames(recording) == [
        (0, {"hr": 81.0, "pulse": 80.0, "resp": 25.0, "spo2": 84.0}),
        (1_000, {"hr": None, "pulse": 80.0, "resp": None, "spo2": 84.0}),
    ]


def test_a_recording_that_starts_before_its_zero_is_counted_from_its_first_row(file):
    assert [
        t_ms for t_ms, _ in frames(open_recording(file(BIDMC + "-1,1,1,1,1\n0,1,1,1,1\n1,1,1,1,1\n")))
    ] == [*(0, 1_000, 2_000)]


def test_mimic_zero_is_no_reading_and_an_empty_cell_is_not_measured(file):
    header = "t_s,HR [bpm],SpO2 [%],NBPSys [mmHg],CVP [mmHg]\n"
    recording = open_recording(file(header + "0.0,0.0,97.5,,3\n60.0,62.8,0.0,123.0,3\n120,63,97,,3\n"))
    assert recording.interval_ms == 60_000
    assert frames(recording) == [
        (0, {"hr": None, "spo2": 97.5}),
        (60_000, {"hr": 62.8, "spo2": None, "nbp_sys": 123.0}),
        (120_000, {"hr": 63.0, "spo2": 97.0}),
    ]


def test_arterial_series_around_an_alarm(file):
    recording = open_recording(file("t_s,PULSE_abp,ABPSys,ABPDias,ABPMean\n1,194.8,18.2,14.4,16.7\n2,,,,\n"))
    assert recording.interval_ms == 1_000
    assert frames(recording) == [
        (1_000, {"pulse": 194.8, "abp_sys": 18.2, "abp_dia": 14.4, "abp_mean": 16.7}),
        (2_000, {"pulse": None, "abp_sys": None, "abp_dia": None, "abp_mean": None}),
    ]


def test_sepsis_hours_count_from_the_first_and_nan_is_not_charted(file):
    text = "HR|O2Sat|Temp|SBP|MAP|DBP|Resp|EtCO2|FiO2|pH|ICULOS|SepsisLabel\n"
    text += "NaN|NaN|NaN|NaN|NaN|NaN|NaN|NaN|NaN|7.4|2|0\n93|92.5|36.6|110|76|56|22|30|0.4|NaN|3|0\n"
    recording = open_recording(file(text, "p100001.psv"))
    assert recording.interval_ms == 3_600_000
    assert frames(recording) == [
        (3_600_000, {}),
        (
            7_200_000,
            {
                "hr": 93.0,
                "spo2": 92.5,
                "temp": 36.6,
                "nbp_sys": 110.0,
                "nbp_mean": 76.0,
                "nbp_dia": 56.0,
                "resp": 22.0,
                "etco2": 30.0,
                "fio2": 40.0,
            },
        ),
    ]


@pytest.mark.parametrize(
    ("charted", "percent"),
    [("0.21", 21.0), ("1", 100.0), ("40", 40.0), ("100", 100.0), ("4", None), ("0.02", None)],
)
def test_sepsis_inspired_oxygen_is_a_share_or_a_percentage(file, charted, percent):
    recording = open_recording(file(f"HR|FiO2|ICULOS\n80|{charted}|1\n", "p.psv"))
    assert frames(recording)[0][1]["fio2"] == percent


def test_a_plain_csv_is_read_through_a_column_map(file):
    text = "t;HeartRate;Sat;Level;O2;Temp;Note\n0,5;72;97;v;yes;;x\n".replace("0,5", "0.5")
    text += "1.5;;;A;0;37.2;y\n"
    columns = parse_columns("time_s=t, hr=HeartRate, spo2=Sat, consciousness=Level, on_oxygen=O2, temp=Temp")
    assert frames(open_recording(file(text), columns)) == [
        (500, {"hr": 72.0, "spo2": 97.0, "consciousness": "V", "on_oxygen": True}),
        (1_500, {"hr": None, "spo2": None, "consciousness": "A", "on_oxygen": False, "temp": 37.2}),
    ]


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("time_s", "0", "2.5"),
        ("time_ms", "0", "2500"),
        ("time_iso", "2026-01-01T00:00:00Z", "2026-01-01T01:00:02.500+01:00"),
        ("time_iso", "2026-01-01 00:00:00", "2026-01-01 00:00:02.5"),
    ],
)
def test_a_plain_csv_may_count_time_in_three_ways(file, name, first, second):
    recording = open_recording(file(f"when,hr\n{first},70\n{second},71\n"), {name: "when", "hr": "hr"})
    assert [t_ms for t_ms, _ in frames(recording)] == [0, 2_500]
    assert recording.interval_ms == 2_500


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hr", "'hr' is not NAME=COLUMN"),
        ("time_s=t,hr=", "'hr=' is not NAME=COLUMN"),
        ("time_s=t,pulze=p", "no signal 'pulze'"),
        ("hr=h", "needs one of time_s, time_ms, time_iso, time_text, got none"),
        ("time_s=t,time_ms=t,hr=h", "got time_s and time_ms"),
        ("time_s=t,hr=h,hr=g", "hr is given twice"),
        ("time_s=t", "names no signal"),
    ],
)
def test_a_wrong_column_map_is_refused_and_says_what_is_wrong(text, says):
    with pytest.raises(UsageError, match="columns") as refused:
        parse_columns(text)
    assert says in str(refused.value)


def test_two_signals_from_one_column_are_refused(file):
    with pytest.raises(UsageError, match="same column"):
        open_recording(file("t,x\n0,1\n"), {"time_s": "t", "hr": "x", "pulse": "x"})


def test_a_mapped_column_that_is_not_there_is_named(file):
    with pytest.raises(BadData, match=r"patient_1\.csv:1: no column 'Sat'; the header is t, hr"):
        open_recording(file("t,hr\n0,70\n"), {"time_s": "t", "hr": "hr", "spo2": "Sat"})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BIDMC + "0,1,1,1,1\n1,abc,1,1,1\n", "patient_1.csv:3: HR: 'abc' is not a number"),
        (BIDMC + "0,inf,1,1,1\n", "patient_1.csv:2: HR: 'inf' is not a finite number"),
        (BIDMC + "0,99999,1,1,1\n", "patient_1.csv:2: HR: '99999' is larger than any reading"),
        (BIDMC + "x,1,1,1,1\n", "patient_1.csv:2: Time [s]: 'x' is not a number"),
        (BIDMC + "1e300,1,1,1,1\n", "patient_1.csv:2: Time [s]: '1e300' is too far off to be a time"),
        (BIDMC + "0,1,1,1\n", "patient_1.csv:2: has 4 cells, the header has 5"),
        (BIDMC + "5,1,1,1,1\n4,1,1,1,1\n", "patient_1.csv:3: time runs back from 5 s to 4 s"),
        (BIDMC + '0,"1,1,1,1\n', "patient_1.csv:2: unexpected end of data"),
        (BIDMC.encode() + b"0,\xff\xfe,1,1,1\n", "is not UTF-8 text"),
        (BIDMC, "holds no frame"),
        ("", "is empty"),
    ],
)
def test_a_malformed_file_is_refused_with_its_line_before_it_is_used(file, text, says):
    with pytest.raises(BadData) as refused:
        open_recording(file(text))
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("0,X,1", "c: 'X' is not one of A, C, V, P, U"),
        ("0,A,maybe", "o: 'maybe' is not 0, 1, true, false, yes or no"),
    ],
)
def test_a_wrong_charted_value_is_refused(file, row, says):
    with pytest.raises(BadData) as refused:
        open_recording(file(f"t,c,o\n{row}\n"), {"time_s": "t", "consciousness": "c", "on_oxygen": "o"})
    assert says in str(refused.value)


def test_a_file_of_no_known_kind_is_named_with_its_header(file):
    with pytest.raises(
        UnknownRecording, match=r"patient_1\.csv:1: no known kind of recording.*the header is: a, b"
    ) as refused:
        open_recording(file("a,b\n1,2\n"))
    assert refused.value.exit_code == 4


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        open_recording(tmp_path / "nowhere.csv")
    with pytest.raises(UsageError, match="is a folder"):
        open_recording(tmp_path)


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(file):
    text = b"\xef\xbb\xbf" + (BIDMC + "0,1,2,3,4\n\n").replace("\n", "\r\n").encode()
    assert frames(open_recording(file(text))) == [(0, {"hr": 1.0, "pulse": 2.0, "resp": 3.0, "spo2": 4.0})]


def test_frames_can_be_read_again_from_the_beginning(file):
    recording = open_recording(file(BIDMC + "0,1,1,1,1\n1,1,1,1,1\n"))
    assert frames(recording) == frames(recording)
    assert (recording.frame_count, recording.end_ms) == (2, 1_000)


@given(
    stem=st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=80)
)
def test_every_file_name_makes_a_valid_patient(stem):
    assert re.fullmatch(ID_PATTERN, patient_of(Path(f"{stem}.csv")))


@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_as_bad_data(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(BIDMC.encode() + data)
    with contextlib.suppress(BadData):
        frames(open_recording(path))
