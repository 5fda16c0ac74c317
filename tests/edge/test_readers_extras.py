"""WFDB and VitalDB files that the packages wrote themselves; for who has the extras `wfdb` and `vitaldb`."""

import numpy as np
import pytest

from edge.readers import open_recording
from streams.errors import BadData


def frames(recording):
    return [(frame.t_ms, frame.signals) for frame in recording.frames()]


# Not in the lock: each brings pandas along, which neither a worker nor anybody without such files needs.
OPTIONAL = "an optional package that is not installed"

# Theirs, not ours: wfdb 4.3.1 calls pandas 3.1 in a way that ends with 4.0, vitaldb 1.7.0 leaves its file open.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame.drop:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*case.vital:pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def wfdb(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where the package writes
    return pytest.importorskip("wfdb", reason=f"{OPTIONAL}: wfdb writes the files that are read here")


@pytest.fixture
def vitaldb():
    return pytest.importorskip("vitaldb", reason=f"{OPTIONAL}: VitalDB files are read through vitaldb")


def test_numbers_written_with_automatic_gain_come_back_as_they_were(wfdb, tmp_path):
    values = np.array([[77.0, 61.0], [133.0, 99.0], *[[120.0, 90.0]] * 20])
    wfdb.wrsamp("lim", fs=1, units=["bpm", "%"], sig_name=["HR", "SpO2"], p_signal=values, fmt=["16", "16"])
    assert wfdb.rdrecord("lim").p_signal[-1, 0] > 120
    assert frames(open_recording(tmp_path / "lim"))[-1] == (21_000, {"hr": 120.0, "spo2": 90.0})


def test_a_missing_sample_is_not_averaged_as_a_number(wfdb, tmp_path):
    wfdb.wrsamp(
        "several",
        fs=1,
        units=["bpm", "%"],
        sig_name=["HR", "SpO2"],
        e_p_signal=[np.array([120, np.nan, np.nan, np.nan]), np.array([97.0, 96.0])],
        samps_per_frame=[2, 1],
        fmt=["16", "16"],
        adc_gain=[10, 10],
        baseline=[0, 0],
    )
    assert frames(open_recording(tmp_path / "several")) == [
        (0, {"hr": 120.0, "spo2": 97.0}),
        (1_000, {"hr": None, "spo2": 96.0}),
    ]


def test_segments_of_other_units_are_converted_each_by_its_own(wfdb, tmp_path):
    common = {"fs": 1, "fmt": ["16"] * 2, "adc_gain": [10, 10], "baseline": [0, 0]}
    wfdb.wrsamp(
        "a",
        units=["bpm", "degC"],
        sig_name=["HR", "TEMP"],
        p_signal=np.array([[80.0, 37], [81, 37]]),
        **common,
    )
    wfdb.wrsamp(
        "b", units=["degF", "bpm"], sig_name=["TEMP", "HR"], p_signal=np.array([[98.6, 90]]), **common
    )
    (tmp_path / "layout.hea").write_text(
        "layout 2 1 0\n~ 0 1(0)/bpm 0 0 0 0 0 HR\n~ 0 1(0)/degC 0 0 0 0 0 TEMP\n"
    )
    (tmp_path / "all.hea").write_text("all/4 2 1 6 10:00:00 01/01/2024\nlayout 0\na 2\n~ 3\nb 1\n")
    found = open_recording(tmp_path / "all")
    assert frames(found) == [
        (0, {"hr": 80.0, "temp": 37.0}),
        (1_000, {"hr": 81.0, "temp": 37.0}),
        (5_000, {"hr": 90.0, "temp": 37.0}),
    ]
    assert found.zero_ms == 1_704_103_200_000  # 2024-01-01 10:00 UTC


def test_the_last_record_of_a_vital_file_is_read_and_a_file_cut_short_refused(vitaldb, tmp_path):
    begins_s = 1_764_279_000.0
    file = vitaldb.VitalFile()
    file.dtstart, file.dtend = begins_s, begins_s + 60
    spo2 = [*[97.0] * 29, 70.0]
    file.add_track("Solar8000/PLETH_SPO2", [{"dt": begins_s + 2 * n, "val": v} for n, v in enumerate(spo2)])
    file.add_track("Solar8000/BT", [{"dt": begins_s + 2 * n, "val": 36.6} for n in range(30)], unit="C")
    path = tmp_path / "case.vital"
    file.to_vital(str(path))
    found = frames(open_recording(path))
    assert found[0] == (0, {"spo2": 97.0, "temp": 36.6})
    assert found[-1] == (58_000, {"spo2": 70.0, "temp": 36.6})
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BadData, match="not a VitalDB file"):
        open_recording(path)
