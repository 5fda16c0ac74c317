"""WFDB records through a stand-in for the package; `test_readers_extras.py` has the package itself where it is."""

import sys
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest

from edge.readers import open_paths, open_recording
from edge.readers.units import Unit, snap
from edge.readers.wfdb_record import from_record, open_wfdb, period_of
from streams.errors import BadData, UnknownRecording, UsageError


@dataclass
class Numerics:
    """What is used of `wfdb.Record` as `rdrecord(m2s=False, smooth_frames=False)` gives it."""

    fs: float
    sig_name: list[str]
    e_p_signal: list[np.ndarray] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    adc_gain: list[float] = field(default_factory=list)
    samps_per_frame: list[int] = field(default_factory=list)

    def __post_init__(self):
        count = len(self.sig_name)
        self.units = self.units or [""] * count
        self.adc_gain = self.adc_gain or [10.0] * count
        self.samps_per_frame = self.samps_per_frame or [1] * count
        self.e_p_signal = [np.asarray(values, float) for values in self.e_p_signal] or [np.zeros(0)] * count


@dataclass
class Segments:
    """What is used of `wfdb.MultiRecord`."""

    fs: float
    segments: list[Numerics | None]
    seg_len: list[int]


def frames(recording):
    return [(frame.t_ms, frame.signals) for frame in recording.frames()]


def readings(tmp_path, *arguments, **more):
    return frames(from_record(tmp_path / "s1.hea", Numerics(1.0, *arguments, **more)))


def test_a_record_goes_by_the_names_of_its_signals_and_lists_what_it_leaves_out(tmp_path):
    values = [[80.0, 0.0, 81.0], [97.0, np.nan, 96.0], [0.0, 120.0, np.nan], [5.0, 5.0, 5.0]]
    recording = from_record(tmp_path / "s1.hea", Numerics(0.0166667, ["HR", "SpO2", "NBPSys", "CVP"], values))
    assert (recording.patient, recording.interval_ms) == ("s1", 60_000)
    assert frames(recording) == [
        (0, {"hr": 80.0, "spo2": 97.0, "nbp_sys": None}),
        (60_000, {"hr": None, "spo2": None, "nbp_sys": 120.0}),
        (120_000, {"hr": 81.0, "spo2": 96.0}),
    ]
    assert recording.notes == (f"{tmp_path / 's1.hea'}: left out: CVP",)


@pytest.mark.parametrize(
    ("name", "signal"),
    [
        ("ABP Mean", "abp_mean"),
        ("ABP Dias", "abp_dia"),
        ("UAP Mean", "abp_mean"),
        ("ART Sys", "abp_sys"),
        ("NBP Sys", "nbp_sys"),
        ("NBPDias", "nbp_dia"),
        ("SpO2 %", "spo2"),
        ("Pulse", "pulse"),
    ],
)
def test_older_names_mean_the_same_signals(tmp_path, name, signal):
    assert readings(tmp_path, [name], [[50.0]]) == [(0, {signal: 50.0})]


def test_a_temperature_in_fahrenheit_goes_by_its_unit(tmp_path):
    assert readings(tmp_path, ["TEMP"], [[103.6, 98.6]], ["degF"]) == [
        (0, {"temp": 39.7778}),
        (1_000, {"temp": 37.0}),
    ]


def test_a_signal_in_a_unit_that_it_does_not_come_in_is_left_out_and_named(tmp_path):
    record = Numerics(1.0, ["HR", "TEMP"], [[80.0], [310.0]], ["bpm", "mV"])
    recording = from_record(tmp_path / "s1.hea", record)
    assert frames(recording) == [(0, {"hr": 80.0})]
    assert recording.notes == (f"{tmp_path / 's1.hea'}: left out: TEMP (in 'mV')",)


def test_of_two_signals_that_measure_the_same_the_first_counts_and_the_other_is_named(tmp_path):
    recording = from_record(tmp_path / "s1.hea", Numerics(1.0, ["SpO2", "SpO2"], [[84.0], [97.0]]))
    assert frames(recording) == [(0, {"spo2": 84.0})]
    assert "left out: SpO2 (another spo2 stands before it)" in recording.notes[0]


def test_a_heart_rate_of_120_that_no_code_of_the_file_holds_is_120(tmp_path):
    gains = [1170.2467532467533, 1724.5737704918033]  # as wfdb 4.3.1 chooses them
    values = [[120.00033292642326], [90.0002091314131]]
    assert readings(tmp_path, ["HR", "SpO2"], values, adc_gain=gains) == [(0, {"hr": 120.0, "spo2": 90.0})]


@pytest.mark.parametrize(
    ("value", "gain", "shown"),
    [
        (120.0004, 1000.0, 120.0),
        (120.002, 1000.0, 120.002),  # two codes away: it was measured so
        (119.5, 2.0, 119.5),  # a file of half beats
        (120.0, 0.0, 120.0),
        (0.0003, 1000.0, 0.0),
    ],
)
def test_a_reading_less_than_one_code_from_a_step_is_that_step(value, gain, shown):
    assert snap(value, gain, Unit()) == shown


def test_a_frame_of_several_samples_is_the_mean_of_those_that_are_there(tmp_path):
    values = [[120, np.nan, 118, 122, np.nan, np.nan, 0, 80], [97, 96, 95, 94]]
    assert readings(tmp_path, ["HR", "SpO2"], values, samps_per_frame=[2, 1]) == [
        (0, {"hr": 120.0, "spo2": 97.0}),
        (1_000, {"hr": 120.0, "spo2": 96.0}),
        (2_000, {"hr": None, "spo2": 95.0}),
        (3_000, {"hr": 80.0, "spo2": 94.0}),
    ]


def test_a_signal_of_many_samples_a_frame_is_a_waveform_and_left_out(tmp_path):
    record = Numerics(1.0, ["HR", "RESP"], [[80.0], np.zeros(125)], samps_per_frame=[1, 125])
    recording = from_record(tmp_path / "s1.hea", record)
    assert frames(recording) == [(0, {"hr": 80.0})]
    assert "RESP (a waveform)" in recording.notes[0]


def test_segments_have_names_and_units_of_their_own_and_a_pause_between_them_is_kept(tmp_path):
    first = Numerics(1.0, ["HR", "TEMP"], [[80, 81], [37, 37.1]], ["bpm", "degC"])
    second = Numerics(1.0, ["TEMP", "HR"], [[98.6], [90]], ["degF", "bpm"])
    layout = Numerics(1.0, ["HR", "TEMP"])
    recording = from_record(tmp_path / "s1.hea", Segments(1.0, [layout, first, None, second], [0, 2, 3, 1]))
    assert frames(recording) == [
        (0, {"hr": 80.0, "temp": 37.0}),
        (1_000, {"hr": 81.0, "temp": 37.1}),
        (5_000, {"hr": 90.0, "temp": 37.0}),
    ]


def test_a_record_without_a_known_vital_sign_is_refused(tmp_path):
    with pytest.raises(UnknownRecording, match=r"no known vital sign among II, V"):
        from_record(tmp_path / "s1.hea", Numerics(1.0, ["II", "V"]))


def test_a_value_larger_than_any_reading_is_refused_with_its_sample(tmp_path):
    with pytest.raises(BadData, match="sample 1: hr"):
        from_record(tmp_path / "s1.hea", Numerics(1.0, ["HR"], [[80.0, 32_768.0]]))


@pytest.mark.parametrize(
    ("frequency_hz", "period_ms"),
    [(1.0, 1_000), (0.0166667, 60_000), (0.5, 2_000), (4.0, 250), (1 / 3600, 3_600_000)],
)
def test_rounded_frequencies_are_taken_for_whole_seconds(frequency_hz, period_ms):
    assert period_of(frequency_hz) == period_ms


def header(tmp_path, name):
    path = tmp_path / name
    path.write_text("s1 1 1 10\n")
    return path


def test_without_the_package_the_error_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wfdb", None)
    with pytest.raises(UsageError, match="extra 'wfdb'"):
        open_recording(header(tmp_path, "s1.hea"))


class _Wfdb:
    """Stands in for the package where it is not installed."""

    def __init__(self, record):
        self.rdheader = self.rdrecord = lambda name, **how: record if name.endswith("s1") else 1 / 0


def test_waveforms_and_damaged_records_are_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wfdb", _Wfdb(Numerics(125.0, ["RESP"], [np.zeros(3)])))
    with pytest.raises(UnknownRecording, match="holds waveforms"):
        open_wfdb(header(tmp_path, "s1.hea"))
    with pytest.raises(BadData, match="not a WFDB record"):
        open_wfdb(header(tmp_path, "s2.hea"))


def test_a_record_may_be_named_without_its_suffix(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wfdb", _Wfdb(Numerics(1.0, ["HR"], [[80.0]])))
    recording = open_recording(header(tmp_path, "s1.hea").with_suffix(""))
    assert frames(recording) == [(0, {"hr": 80.0})]


def test_waveform_records_of_a_folder_are_passed_over_and_counted(tmp_path, monkeypatch):
    waveform, numerics = Numerics(125.0, ["II"], [np.zeros(3)]), Numerics(1.0, ["HR"], [[80.0]])
    monkeypatch.setitem(
        sys.modules,
        "wfdb",
        SimpleNamespace(
            rdheader=lambda name: numerics if name.endswith("n") else waveform,
            rdrecord=lambda name, **how: numerics,
        ),
    )
    header(tmp_path, "s1.hea")
    header(tmp_path, "s1n.hea")
    found = open_paths([tmp_path])
    assert [recording.patient for recording in found.recordings] == ["s1n"]
    assert found.passed_over == {tmp_path.resolve(): 1}
