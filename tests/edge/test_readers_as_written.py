"""Text files as devices and people write them: other words for no reading, units, times, names given twice."""

import pytest

from edge.readers import notation_of, open_paths, open_recording, parse_columns
from edge.readers.units import unit_of
from streams.errors import BadData, UsageError


@pytest.fixture
def file(tmp_path):
    def write(text, name="patient_1.csv"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


def frames(recording):
    return [(frame.t_ms, frame.signals) for frame in recording.frames()]


def read(path, columns, **how):
    return open_recording(path, parse_columns(columns), notation_of(**how))


BIDMC = "Time [s], HR, PULSE, RESP, SpO2\n"
SEPSIS = "HR|O2Sat|O2Sat|ICULOS\n"
SERIES = "t_s,PULSE_abp,ABPSys,ABPSys,ABPDias,ABPMean\n"


@pytest.mark.parametrize(
    ("text", "columns", "names"),
    [
        ("t,SpO2,SpO2,HR\n0,84,97,80\n", "time_s=t,spo2=SpO2,hr=HR", "'SpO2'"),
        ("t,t,HR\n0,0,80\n", "time_s=t,hr=HR", "'t'"),
        (BIDMC.replace("HR", "SpO2") + "0,97,80,15,84\n", None, "'SpO2'"),
        (SEPSIS + "80|84|97|1\n", None, "'O2Sat'"),
        (SERIES + "0,80,70,120,60,80\n", None, "'ABPSys'"),
    ],
)
def test_a_column_that_is_read_and_there_twice_is_refused_by_its_name(file, text, columns, names):
    with pytest.raises(BadData, match=rf"patient_1\.csv:1: column {names} is there 2 times") as refused:
        open_recording(file(text), columns and parse_columns(columns))
    assert refused.value.exit_code == 4


def test_a_column_that_nobody_reads_may_be_there_twice(file):
    found = read(file("t,note,note,HR\n0,x,y,80\n"), "time_s=t,hr=HR")
    assert frames(found) == [(0, {"hr": 80.0})]


def test_of_two_mimic_columns_that_measure_the_same_the_first_counts_and_the_other_is_named(file):
    found = open_recording(file("t_s,HR [bpm],SpO2 [%],SpO2 [%],CVP [mmHg]\n0,80,84,97,5\n"))
    assert frames(found) == [(0, {"hr": 80.0, "spo2": 84.0})]
    assert found.notes == (f"{found.path}: left out: SpO2 (another spo2 stands before it), CVP",)


def test_a_mimic_temperature_goes_by_the_unit_in_its_header(file):
    found = open_recording(file("t_s,HR [bpm],TEMP [degF]\n0,80,103.6\n1,80,0\n"))
    assert frames(found) == [(0, {"hr": 80.0, "temp": 39.7778}), (1_000, {"hr": 80.0, "temp": None})]


@pytest.mark.parametrize("text", ["", "  ", "NaN", "NA", "n/a", "null", "-", "--", "---", "--.-", "–", "—"])  # noqa: RUF001
def test_a_blank_display_is_no_reading(file, text):
    found = read(file(f"t,SpO2,HR,T\n0,{text},80,{text}\n"), "time_s=t,spo2=SpO2,hr=HR,temp=T")
    assert frames(found) == [(0, {"spo2": None, "hr": 80.0})]


@pytest.mark.parametrize(
    "code", ["127", "255", "32767", "65535", "65535.0", "-100", "-999", "2047", "8388607"]
)
def test_the_highest_code_is_no_reading_where_no_sensor_could_report_it(file, code):
    assert frames(read(file(f"t,SpO2\n0,{code}\n"), "time_s=t,spo2=SpO2")) == [(0, {"spo2": None})]


def test_the_highest_code_is_a_reading_where_it_may_be_one(file):
    found = read(file("t,PR,SYS\n0,255,127\n1,65535,32767\n"), "time_s=t,pulse=PR,abp_sys=SYS")
    assert frames(found) == [
        (0, {"pulse": 255.0, "abp_sys": 127.0}),
        (1_000, {"pulse": None, "abp_sys": None}),
    ]


def test_a_user_may_name_texts_and_numbers_that_mean_no_reading(file):
    path = file("t,SpO2,HR\n0,LEADS OFF,80\n1,97,0.0\n2,96,81\n")
    found = read(path, "time_s=t,spo2=SpO2,hr=HR", no_reading=["Leads off", "0"])
    assert frames(found) == [
        (0, {"spo2": None, "hr": 80.0}),
        (1_000, {"spo2": 97.0, "hr": None}),
        (2_000, {"spo2": 96.0, "hr": 81.0}),
    ]


def test_words_for_no_reading_hold_in_every_text_format(file):
    found = open_recording(file(BIDMC + "0,--,255,OFF,127\n"), notation=notation_of(["off"]))
    assert frames(found) == [(0, {"hr": None, "pulse": 255.0, "resp": None, "spo2": None})]


def test_a_decimal_comma_is_read_where_it_is_announced_and_hinted_at_where_not(file):
    path = file("t;T\n0,5;36,6\n1,5;--\n2,5;39,1\n")
    found = read(path, "time_s=t,temp=T", decimal_comma=True)
    assert frames(found) == [(500, {"temp": 36.6}), (1_500, {}), (2_500, {"temp": 39.1})]
    with pytest.raises(BadData, match=r"'0,5' is not a number .a decimal comma\? --decimal-comma"):
        read(path, "time_s=t,temp=T")


def test_a_point_beside_decimal_commas_is_refused_rather_than_guessed(file):
    with pytest.raises(BadData, match=r"'1\.234' is not a number"):
        read(file("t;P\n0;1.234\n"), "time_s=t,abp_sys=P", decimal_comma=True)


OXIMETER = """Time,SpO2(%),Pulse Rate(bpm),Motion,
"08:48:26PM Nov 27, 2025",97,72,0,
"08:48:30PM Nov 27, 2025",84,,0,
"""
COLUMNS = "time_text=Time,spo2=SpO2(%),pulse=Pulse Rate(bpm)"
FORM = "%I:%M:%S%p %b %d, %Y"


def test_times_are_read_in_the_form_that_the_user_gives_with_a_comma_at_every_line_end(file):
    found = read(file(OXIMETER), COLUMNS, time_form=FORM)
    assert frames(found) == [(0, {"spo2": 97.0, "pulse": 72.0}), (4_000, {"spo2": 84.0, "pulse": None})]
    assert found.zero_ms == 1_764_276_506_000  # 2025-11-27 20:48:26 UTC


@pytest.mark.parametrize("text", ["t,HR,\n0,80\n", "t,HR\n0,80,\n", "t,HR,,\n0,80,\n"])
def test_a_comma_at_the_end_of_some_lines_is_no_column(file, text):
    assert frames(read(file(text), "time_s=t,hr=HR")) == [(0, {"hr": 80.0})]


def test_a_time_in_another_form_says_how_to_give_it(file):
    path = file(OXIMETER)
    with pytest.raises(
        BadData, match=r"is not an ISO 8601 time \(in another form: time_text=COLUMN and --time-form"
    ):
        read(path, COLUMNS.replace("time_text", "time_iso"))
    with pytest.raises(BadData, match="is no time of the form '%H:%M'"):
        read(path, COLUMNS, time_form="%H:%M")
    with pytest.raises(UsageError, match="belong together"):
        read(path, COLUMNS)


def test_times_without_a_zone_are_in_the_one_that_the_user_gives(file):
    path = file("t,HR\n2026-07-01T12:00:00,80\n2026-07-01T12:00:01+00:00,81\n")
    assert [t_ms for t_ms, _ in frames(read(path, "time_iso=t,hr=HR"))] == [0, 1_000]
    there = read(path, "time_iso=t,hr=HR", zone="Europe/Berlin")
    assert [t_ms for t_ms, _ in frames(there)] == [0, 7_201_000]


def test_the_hour_that_comes_twice_when_clocks_are_put_back_is_an_hour(file):
    rows = ["2025-10-26 02:59:58", "2025-10-26 02:59:59", "2025-10-26 02:00:00", "2025-10-26 03:00:00"]
    path = file("t,HR\n" + "".join(f"{row},80\n" for row in rows))
    found = read(path, "time_text=t,hr=HR", time_form="%Y-%m-%d %H:%M:%S", zone="Europe/Berlin")
    assert [t_ms for t_ms, _ in frames(found)] == [0, 1_000, 2_000, 3_602_000]


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"zone": "Berlin"}, "no zone 'Berlin'"),
        ({"zone": "../etc"}, "no zone"),
        ({"time_form": "%H:%Q"}, "is no form of a time"),
    ],
)
def test_a_zone_or_a_form_that_is_none_is_wrong_usage(how, says):
    with pytest.raises(UsageError, match=says):
        notation_of(**how)


@pytest.mark.parametrize(
    ("entry", "header", "cell", "signal", "value"),
    [
        ("temp=Temp[degF]", "Temp", "102.2", "temp", 39.0),
        ("temp=Temp [degF]", "Temp [degF]", "98.6", "temp", 37.0),
        ("temp=Temp[K]", "Temp", "310.15", "temp", 37.0),
        ("etco2=CO2[kPa]", "CO2", "5.0", "etco2", 37.5031),
        ("fio2=O2[fraction]", "O2", "0.4", "fio2", 40.0),
        ("hr=HR [bpm]", "HR [bpm]", "80", "hr", 80.0),
        ("hr=HR [left arm]", "HR [left arm]", "80", "hr", 80.0),
    ],
)
def test_readings_are_converted_from_the_unit_behind_the_column(file, entry, header, cell, signal, value):
    assert frames(read(file(f"t,{header}\n0,{cell}\n"), f"time_s=t,{entry}")) == [(0, {signal: value})]


def test_a_unit_that_the_signal_does_not_come_in_is_wrong_usage(file):
    with pytest.raises(UsageError, match=r"hr does not come in 'degF'; its units are /min"):
        read(file("t,HR\n0,80\n"), "time_s=t,hr=HR[degF]")


@pytest.mark.parametrize(
    ("signal", "unit"), [("temp", "°C"), ("temp", "°F"), ("resp", "pm"), ("spo2", "NU"), ("nbp_sys", "mm Hg")]
)
def test_units_are_known_as_exports_spell_them(signal, unit):
    assert unit_of(signal, unit) is not None
    assert unit_of("hr", "mmHg") is None


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", False), ("1", True), ("true", True), ("FALSE", False), ("yes", True), ("1.0", True)],
)
def test_flags_are_read_from_a_csv_as_true_or_false(file, text, value):
    found = read(
        file(f"t,a,b,o,c\n0,{text},{text},{text},v\n"),
        "time_s=t,asystole=a,apnoea=b,on_oxygen=o,consciousness=c",
    )
    assert frames(found) == [
        (0, {"asystole": value, "apnoea": value, "on_oxygen": value, "consciousness": "V"})
    ]


def test_readings_that_no_sensor_can_report_are_named_with_what_they_look_like(file):
    found = read(file("t,temp,hr\n0,98.6,80\n60,103.6,400\n120,,80\n"), "time_s=t,temp=temp,hr=hr")
    assert found.notes == (
        f"{found.path}: temp: 2 of 2 readings (98.6 to 103.6) are outside 10 to 45 Cel and count as none; in another "
        "unit? temp=COLUMN[UNIT]",
        f"{found.path}: hr: 1 of 3 readings (400 to 400) are outside 1 to 350 bpm and count as none",
    )


def test_a_recording_without_anything_strange_has_no_notes(file):
    assert open_recording(file(BIDMC + "0,80,80,15,97\n1,80,,15,97\n")).notes == ()


def test_a_gap_of_more_than_a_day_is_named_and_counts_as_none_of_the_time(file):
    rows = "".join(f"{t_s},80\n" for t_s in (0, 1, 2, 86_402, 200_000, 31_536_000))
    found = read(file("t,hr\n" + rows), "time_s=t,hr=hr")
    assert found.gap_ms == (200_000 - 86_402 + 31_536_000 - 200_000) * 1_000
    assert found.notes == (
        f"{found.path}: a gap of 1.3 days between frame 4, at 86402 s, and the next: judged as silence",
        f"{found.path}: a gap of 362.7 days between frame 5, at 200000 s, and the next: judged as silence",
    )


def test_a_folder_is_read_with_what_lies_below_and_other_files_are_counted(file, tmp_path):
    file(BIDMC + "0,80,80,15,97\n", "ward/p1.csv")
    file(BIDMC + "0,80,80,15,97\n", "ward/p2.csv")
    file("nothing,of,ours\n1,2,3\n", "ward/notes.csv")
    found = open_paths([tmp_path, tmp_path / "ward" / "p1.csv"])
    assert [recording.patient for recording in found.recordings] == ["p1", "p2"]
    assert found.notes() == [f"{tmp_path.resolve()}: 1 file is no recording"]
    with pytest.raises(UsageError, match="no recording in"):
        open_paths([file("", "empty/x.txt").parent])
