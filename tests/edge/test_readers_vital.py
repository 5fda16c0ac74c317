"""VitalDB files through a stand-in for the package; `test_readers_extras.py` has the package itself where it is."""

import gzip
import sys
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest

from edge.readers import open_recording
from edge.readers.vital_file import from_tracks, open_vital
from streams.errors import BadData, UnknownRecording, UsageError

BEGINS_S = 1_764_279_000.0


@dataclass
class Track:
    """What is used of `vitaldb.Track`: type 2 is numeric, 1 a waveform."""

    recs: list[dict] = field(default_factory=list)
    unit: str = ""
    type: int = 2


def track(values, unit="", step_s=2.0, from_s=0.0, kind=2):
    """A value every `step_s`, stored as a 4-byte float."""
    times = (BEGINS_S + from_s + number * step_s for number in range(len(values)))
    return Track(
        [{"dt": t, "val": float(np.float32(v))} for t, v in zip(times, values, strict=True)], unit, kind
    )


def read(tmp_path, **tracks):
    return from_tracks(
        tmp_path / "case.vital", {name.replace("__", "/"): one for name, one in tracks.items()}
    )


def frames(recording):
    return [(frame.t_ms, frame.signals) for frame in recording.frames()]


def test_numeric_tracks_are_read_record_by_record_up_to_the_last_one(tmp_path):
    found = read(tmp_path, Solar8000__HR=track([80, 81, 150]), Solar8000__PLETH_SPO2=track([97, 96, 70]))
    assert frames(found) == [
        (0, {"hr": 80.0, "spo2": 97.0}),
        (2_000, {"hr": 81.0, "spo2": 96.0}),
        (4_000, {"hr": 150.0, "spo2": 70.0}),
    ]
    assert (found.interval_ms, found.zero_ms) == (2_000, round(BEGINS_S * 1000))


def test_a_temperature_of_36_6_is_not_36_599998(tmp_path):
    assert frames(read(tmp_path, Solar8000__BT=track([36.6], "C"))) == [(0, {"temp": 36.6})]


def test_a_reading_that_is_none_is_null_and_one_in_another_unit_is_converted(tmp_path):
    found = read(tmp_path, Primus__ETCO2=track([5.0, float("nan")], "kPa"))
    assert [signals["etco2"] for _, signals in frames(found)] == [37.5031, None]


def test_tracks_of_two_devices_that_lie_between_each_other_keep_the_interval_of_each(tmp_path):
    found = read(tmp_path, Solar8000__HR=track([80] * 5), Primus__ETCO2=track([35] * 5, from_s=0.3))
    assert [t_ms for t_ms, _ in frames(found)][:4] == [0, 300, 2_000, 2_300]
    assert found.interval_ms == 2_000


def test_where_two_tracks_measure_the_same_the_better_known_counts_and_the_rest_is_listed(tmp_path):
    found = read(
        tmp_path,
        Solar8000__FEM_MBP=track([55]),
        Solar8000__ART_MBP=track([70]),
        BIS__BIS=track([45]),
        SNUADC__ART=track([1], kind=1),
    )
    assert frames(found) == [(0, {"abp_mean": 70.0})]
    assert found.notes == (f"{tmp_path / 'case.vital'}: left out: Solar8000/FEM_MBP, BIS/BIS",)


def test_a_file_without_a_known_vital_sign_is_refused(tmp_path):
    with pytest.raises(UnknownRecording, match="no known vital sign among BIS/BIS"):
        read(tmp_path, BIS__BIS=track([45]))


def test_without_the_package_the_error_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "vitaldb", None)
    (tmp_path / "case.vital").write_bytes(b"")
    with pytest.raises(UsageError, match="extra 'vitaldb'"):
        open_recording(tmp_path / "case.vital")


def test_a_file_that_is_cut_short_is_refused_though_the_package_reads_on(tmp_path, monkeypatch):
    whole = gzip.compress(np.random.default_rng(1).bytes(10_000))
    opened = SimpleNamespace(trks={"Solar8000/HR": track([80])})
    monkeypatch.setitem(sys.modules, "vitaldb", SimpleNamespace(VitalFile=lambda name: opened))
    path = tmp_path / "case.vital"
    path.write_bytes(whole)
    assert frames(open_vital(path)) == [(0, {"hr": 80.0})]
    path.write_bytes(whole[:-200])
    with pytest.raises(BadData, match="not a VitalDB file"):
        open_vital(path)


def test_an_error_that_the_package_only_prints_is_an_error(tmp_path, monkeypatch, capsys):
    def complains(name):
        print("Error in reading file: unpack requires 4 bytes")
        return SimpleNamespace(trks={"Solar8000/HR": track([80])})

    monkeypatch.setitem(sys.modules, "vitaldb", SimpleNamespace(VitalFile=complains))
    path = tmp_path / "case.vital"
    path.write_bytes(gzip.compress(b"VITA"))
    with pytest.raises(BadData, match="unpack requires 4 bytes"):
        open_vital(path)
    assert capsys.readouterr().out == ""
