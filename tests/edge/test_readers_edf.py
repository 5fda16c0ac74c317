"""EDF, EDF+ and BDF files from a small writer of our own; `test_readers_edf_peers.py` has files of other packages."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from edf_writing import Written, edf, tal

from edge.readers import notation_of, open_paths, open_recording
from streams.errors import BadData, UnknownRecording


@pytest.fixture
def read(tmp_path):
    """Write a file and open it."""

    def read(data, name="night.edf", **notation):
        path = tmp_path / name
        path.write_bytes(data)
        return open_recording(path, None, notation_of(**notation))

    return read


@pytest.fixture
def refused(read):
    """Return what the reader says to a damaged file, without the path."""

    def refused(data):
        with pytest.raises(BadData) as error:
            read(data)
        place, _, said = str(error.value).partition("night.edf: ")
        assert place.endswith("/")
        return said

    return refused


def frames(recording):
    return [(frame.t_ms, frame.signals) for frame in recording.frames()]


def notes(recording):
    return [note.partition(": ")[2] for note in recording.notes]


def rate(*records, label="HR", unit="bpm", **how):
    """A heart rate stored in tenths."""
    codes = [[code if code < 0 else round(code * 10) for code in one] for one in records]
    return Written(label, unit, codes, **how)


def test_a_plain_file_has_its_samples_one_after_the_other(read):
    saturation = Written("SpO2", "%", [[97], [96]], ("0", "100"), (0, 100))
    found = read(edf([rate([80, 81], [82, 83]), saturation], record_s="2"))
    assert frames(found) == [
        (0, {"hr": 80.0, "spo2": 97.0}),
        (1_000, {"hr": 81.0}),
        (2_000, {"hr": 82.0, "spo2": 96.0}),
        (3_000, {"hr": 83.0}),
    ]
    assert (found.format, found.interval_ms) == ("EDF", 1_000)


def test_every_record_of_a_discontinuous_file_has_its_own_time(read):
    signal = rate([80, 81], [82, 83], [84, 85])
    found = read(edf([signal], [tal(0.25), tal(2.25), tal(40.5)], record_s="2"))
    assert [t_ms for t_ms, _ in frames(found)] == [250, 1_250, 2_250, 3_250, 40_500, 41_500]
    assert found.format == "EDF+"
    assert notes(found) == [
        "gaps between its data records: 1, 36.25 s in all, the longest 36.25 s before record 3: judged as silence"
    ]


def test_a_gap_in_a_file_that_says_it_has_none_is_a_gap_all_the_same(read):
    found = read(edf([rate([80], [81])], [tal(0), tal(7)], plus="C"))
    assert [t_ms for t_ms, _ in frames(found)] == [0, 7_000]
    assert "though its header says that there are none" in notes(found)[0]


@pytest.mark.parametrize("place", [0, 1])
def test_annotations_are_listed_wherever_their_signal_stands(read, place):
    lists = [tal(0) + tal(0.5, "Lights off", "Arzt: Müller"), tal(1) + tal(-3, "Start\r\n", duration=30)]
    found = read(edf([rate([80], [81])], lists, annotations_at=place))
    assert frames(found) == [(0, {"hr": 80.0}), (1_000, {"hr": 81.0})]
    assert notes(found) == [
        "annotation at 0.5 s: Lights off",
        "annotation at 0.5 s: Arzt: Müller",
        "annotation at -3 s for 30 s: Start\r\n",
    ]


def test_of_many_annotations_twenty_are_listed_and_the_rest_counted(read):
    lists = [tal(i) + tal(i, "spindle") for i in range(50)]
    found = notes(read(edf([rate(*[[80]] * 50)], lists)))
    assert len(found) == 21
    assert found[-1] == "30 more annotations"


def test_what_lies_at_the_physical_minimum_or_outside_the_codes_is_no_reading(read):
    cuff = Written("NBP Sys", "mmHg", [[120, -10, 121]], ("-10", "300"), (-10, 300))
    found = read(edf([Written("HR", "bpm", [[800, -10, 3001]]), cuff], record_s="3"))
    assert frames(found) == [
        (0, {"hr": 80.0, "nbp_sys": 120.0}),
        (1_000, {"hr": None}),
        (2_000, {"hr": None, "nbp_sys": 121.0}),
    ]
    assert notes(found) == ["hr: samples outside the signal's range of codes, which count as none: 1"]


def test_a_physical_minimum_that_could_be_a_reading_is_named(read):
    signal = Written("SpO2", "%", [[820, 970, 820, 980]], ("82", "100"), (820, 1000))
    found = read(edf([signal], record_s="4"))
    assert [signals["spo2"] for _, signals in frames(found)] == [None, 97.0, None, 98.0]
    assert notes(found) == ["spo2: 2 of 4 samples lie at the physical minimum, 82 %, and count as none"]


def test_zeros_that_fill_the_last_record_are_no_frames(read):
    signal = Written("SpO2", "%", [[100, 0, 200], [100, 0, 0]], ("0", "100"), (-1000, 1000))
    found = read(edf([signal], record_s="3"))
    assert [(t_ms, signals["spo2"]) for t_ms, signals in frames(found)] == [
        (0, 55.0),
        (1_000, 50.0),
        (2_000, 60.0),
        (3_000, 55.0),
    ]
    assert notes(found) == ["spo2: samples that only fill the last data record and count as none: 2"]


def test_the_code_of_the_value_zero_fills_the_last_record_too(read):
    signal = Written("RR", "/min", [[120, 0], [130, -100]], ("-1", "99"), (-110, 890))
    found = read(edf([signal], record_s="2"))
    assert [(t_ms, signals["resp"]) for t_ms, signals in frames(found)] == [
        (0, 22.0),
        (1_000, 10.0),
        (2_000, 23.0),
    ]


def test_records_of_one_sample_are_never_filled_up(read):
    signal = Written("SpO2", "%", [[100], [0]], ("0", "100"), (-1000, 1000))
    assert frames(read(edf([signal])))[-1] == (1_000, {"spo2": 50.0})


def test_readings_come_back_as_displayed_and_in_vigils_units(read):
    temperature = Written("Temp rectal", "degF", [[1022]], ("90", "110"), (900, 1100))
    pressure = Written("EtCO2", "kPa", [[50]], ("-1", "20"), (-10, 200))
    # 120 that the gain of 16 bits over 0 to 300 cannot hold
    heart = Written("HR", "bpm", [[-6_554]], ("0", "300"), (-32_768, 32_767))
    assert frames(read(edf([temperature, pressure, heart]))) == [
        (0, {"temp": 39.0, "etco2": 37.5031, "hr": 120.0})
    ]


def test_a_signal_stored_upside_down_is_turned(read):
    signal = Written("HR", "bpm", [[-80]], ("300", "0"), (-300, 0))
    assert frames(read(edf([signal]))) == [(0, {"hr": 80.0})]


def test_what_is_not_read_is_listed_with_its_reason(read):
    others = [
        rate([1] * 8, label="SaO2 finger", unit="%"),
        rate([1], label="Resp", unit=""),
        rate([1], label="Temp", unit="mV"),
        rate([1], label="EEG Fpz-Cz", unit="uV"),
        rate([1], label="Heart Rate"),
        rate([], label="PR"),
    ]
    found = read(edf([rate([80]), *others], [tal(0)]))
    assert frames(found) == [(0, {"hr": 80.0})]
    assert notes(found) == [
        "left out: SaO2 finger (a waveform), Resp (without a unit), Temp (in 'mV'), EEG Fpz-Cz, "
        "Heart Rate (another hr stands before it), PR (without samples)"
    ]


def test_moments_without_duration_have_the_time_that_they_say(read):
    found = read(edf([rate([80], [81], [90])], [tal(0), tal(3.5), tal(4)], record_s="0"))
    assert frames(found) == [(0, {"hr": 80.0}), (3_500, {"hr": 81.0}), (4_000, {"hr": 90.0})]


def test_a_recorder_that_was_cut_off_between_two_records_left_what_is_there(read):
    assert len(frames(read(edf([rate([80], [81])], records=-1)))) == 2


def test_bdf_has_three_bytes_a_sample(read):
    signal = Written("HR", "bpm", [[1_234_567], [-1]], ("-838.8608", "838.8607"), (-8_388_608, 8_388_607))
    found = read(edf([signal], [tal(0), tal(9)], kind="BDF"), "night.bdf")
    assert [(t_ms, round(signals["hr"], 3)) for t_ms, signals in frames(found)] == [
        (0, 123.457),
        (9_000, -0.0),
    ]
    assert found.format == "BDF+"


def test_the_start_is_in_the_zone_given_and_its_year_has_four_digits_where_edf_plus_writes_them(read):
    def zero(**how):
        zone = how.pop("zone", None)
        found = read(edf([rate([80])], **how), zone=zone).zero_ms
        return None if found is None else datetime.fromtimestamp(found / 1000, UTC)

    there = datetime(2026, 11, 29, 15, 30, tzinfo=UTC)
    assert zero() == there
    assert zero(zone="Europe/Berlin") == there.replace(tzinfo=ZoneInfo("Europe/Berlin"))
    assert zero(recording="Startdate 29-NOV-2026 X X X", date="29.11.yy") == there
    assert zero(date="01.02.99").year == 1999
    hidden = [
        {"date": "01.01.85"},
        {"recording": "Startdate X X X X"},
        {"date": "31.02.26"},
        {"time": "15:30:00"},
    ]
    assert [zero(**one) for one in hidden] == [None] * 4


def test_waveforms_and_unknown_signals_alone_are_no_recording_and_a_folder_passes_them_over(read, tmp_path):
    with pytest.raises(UnknownRecording, match="no known vital sign among EEG Fpz-Cz"):
        read(edf([rate([1] * 100, label="EEG Fpz-Cz")]), "sleep.EDF")
    read(edf([rate([80])]))
    opened = open_paths([tmp_path])
    assert [one.path.name for one in opened.recordings] == ["night.edf"]
    assert opened.notes() == [f"{tmp_path}: 1 file is no recording"]


ONE = edf([rate([80, 81], [82, 83])], [tal(0), tal(2)], record_s="2")


def test_a_file_cut_short_anywhere_is_refused_with_the_place(refused):
    sizes = (*range(0, len(ONE), 23), *range(len(ONE) - 8, len(ONE)))
    said = [refused(ONE[:size]) for size in sizes]
    assert all(re.match(r"cut short in (its header|data record [12]), at byte \d+$", one) for one in said)
    assert said[-1].startswith("cut short in data record 2")


def test_what_stands_behind_the_last_record_is_refused(refused):
    assert refused(ONE + b"\0") == "goes on behind data record 2, the last one by its header"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"1" + ONE[1:], "header: neither an EDF nor a BDF file: begins with b'1       '"),
        (ONE[:184] + b"512     " + ONE[192:], "header: its length is 512 bytes, for 2 signals"),
        (ONE[:236] + b"-2      " + ONE[244:], "header: -2 data records"),
        (ONE[:244] + b"nan     " + ONE[252:], "header: the duration of a data record is no number: 'nan'"),
        (ONE[:252] + b"two ", "header: the number of signals is no whole number: 'two'"),
        (
            edf([rate([80], physical=("5", "5"))]),
            "header: signal 1 (HR): a range that is none: 5 to 5 in the codes -10 to 3000",
        ),
        (
            edf([rate([80], digital=(7, -7))]),
            "header: signal 1 (HR): a range that is none: -1 to 300 in the codes 7 to -7",
        ),
        (edf([rate([80], physical=("x", "5"))]), "header: signal 1 (HR): a physical limit is no number: 'x'"),
        (edf([rate([80])], plus="D"), "header: EDF+ without a signal 'EDF Annotations'"),
        (edf([rate([80])], [b""]), "data record 1: does not say when it begins"),
        (edf([rate([80])], [tal(0, "no empty text")]), "data record 1: does not say when it begins"),
        (edf([rate([80], [80])], [tal(0), b"+1"]), "data record 2: a damaged annotation: b'+1'"),
        (edf([rate([80])], [tal(-1)]), "data record 1: begins before the file, at -1 s"),
        (
            edf([rate([80, 81], [82, 83])], [tal(5), tal(6)], record_s="2"),
            "data record 2: time runs back: it begins at 6 s, the one before at 5 s and lasts 2 s",
        ),
        (edf([rate([80])], [b"+999999999999\x14\x14"]), "data record 1: 1e+12 s is too far off to be a time"),
        (
            edf([rate([8], [300], physical=("-1", "99999"))]),
            "data record 2: hr 99999 is larger than any reading",
        ),
        (edf([rate([80])], record_s="-1"), "header: data records of -1 s and 2 bytes"),
    ],
)
def test_what_is_damaged_is_named_with_its_place(refused, data, said):
    assert refused(data) == said


def test_a_file_without_data_records_holds_no_frame(read):
    with pytest.raises(BadData, match="holds no frame"):
        read(edf([rate([80])], records=0)[:512])


def test_a_writer_that_cuts_off_is_a_whole_code_away_from_what_was_displayed(read):
    fine = Written("HR", "bpm", [[12_001, 11_999, 12_002]], ("-1", "300"), (-100, 30_000))
    coarse = Written("SpO2", "%", [[899, 901, 900]], ("-1", "100"), (-10, 1_000))
    found = [frame.signals for frame in read(edf([fine, coarse], record_s="3")).frames()]
    assert [signals["hr"] for signals in found] == [120.0, 120.0, pytest.approx(120.02)]
    assert [round(signals["spo2"], 3) for signals in found] == [89.9, 90.1, 90.0]
