"""EDF, EDF+ and BDF files that edfio and pyedflib wrote, compared with what they read, sample by sample."""

import datetime

import edfio
import numpy as np
import pyedflib
import pytest

from edge.readers import open_recording

START = datetime.datetime(2026, 11, 29, 15, 30, tzinfo=datetime.UTC)
CHANCE = np.random.default_rng(25)
RATES = np.round(CHANCE.uniform(40, 180, 240))
SATURATIONS = np.round(CHANCE.uniform(70, 100, 240))

pytestmark = pytest.mark.filterwarnings("ignore:Forcing a specific record_duration:UserWarning")


def frames(recording):
    return [(frame.t_ms, frame.signals) for frame in recording.frames()]


def edfio_signals(record_s=1.0):
    return [
        edfio.EdfSignal(RATES, 1, label="HR", physical_dimension="bpm", physical_range=(-1, 300)),
        edfio.EdfSignal(SATURATIONS, 1, label="SpO2", physical_dimension="%", physical_range=(-1, 100)),
        edfio.EdfSignal(CHANCE.normal(0, 50, 240 * 100), 100, label="EEG Fpz-Cz", physical_dimension="uV"),
    ]


@pytest.mark.parametrize("record_s", [1, 2, 30])
@pytest.mark.parametrize("begins_us", [0, 250_000])
def test_what_edfio_wrote_is_read_sample_by_sample(tmp_path, record_s, begins_us):
    path = tmp_path / "night.edf"
    edfio.Edf(
        edfio_signals(),
        recording=edfio.Recording(startdate=START.date()),
        starttime=START.time().replace(microsecond=begins_us),
        data_record_duration=record_s,
        annotations=[edfio.EdfAnnotation(12, 3, "Apnoea"), edfio.EdfAnnotation(20, None, "Lights on")],
    ).write(path)
    theirs = edfio.read_edf(path)
    found = open_recording(path)
    first_ms = begins_us // 1000
    assert frames(found) == [
        (first_ms + 1_000 * i, {"hr": rate, "spo2": saturation})
        for i, (rate, saturation) in enumerate(zip(RATES.tolist(), SATURATIONS.tolist(), strict=True))
    ]
    for signal, theirs_of in zip(("hr", "spo2"), theirs.signals, strict=False):
        ours = [signals[signal] for _, signals in frames(found)]
        assert np.allclose(ours, theirs_of.data, atol=301 / 65_535)
    assert found.zero_ms == START.timestamp() * 1000
    assert len(theirs.annotations) == len([note for note in found.notes if ": annotation at " in note]) == 2
    assert any("left out: EEG Fpz-Cz (a waveform)" in note for note in found.notes)


def written_by_pyedflib(path, kind, rates, saturations, record_s=4):
    ends = (-8_388_608, 8_388_607) if path.suffix == ".bdf" else (-32_768, 32_767)
    common = {
        "sample_frequency": 1,
        "digital_min": ends[0],
        "digital_max": ends[1],
        "transducer": "",
        "prefilter": "",
    }
    writer = pyedflib.EdfWriter(str(path), 2, file_type=kind)
    writer.setSignalHeaders(
        [
            common | {"label": "HR", "dimension": "bpm", "physical_min": -1, "physical_max": 300},
            common | {"label": "SpO2", "dimension": "%", "physical_min": 0, "physical_max": 100},
        ]
    )
    writer.setDatarecordDuration(record_s)
    writer.setStartdatetime(START.replace(tzinfo=None))
    writer.writeSamples([rates, saturations])
    if kind in (pyedflib.FILETYPE_EDFPLUS, pyedflib.FILETYPE_BDFPLUS):
        writer.writeAnnotation(2.5, 1, "Lights off")
    writer.close()


KINDS = {
    "EDF": ("night.edf", pyedflib.FILETYPE_EDF),
    "EDF+": ("night.edf", pyedflib.FILETYPE_EDFPLUS),
    "BDF": ("night.bdf", pyedflib.FILETYPE_BDF),
    "BDF+": ("night.bdf", pyedflib.FILETYPE_BDFPLUS),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_pyedflib_wrote_is_read_sample_by_sample_but_for_what_fills_the_end_and_stands_for_nan(
    tmp_path, kind
):
    name, file_type = KINDS[kind]
    path = tmp_path / name
    rates = RATES[:238].copy()
    rates[17] = np.nan
    written_by_pyedflib(path, file_type, rates, SATURATIONS[:238])
    with pyedflib.EdfReader(str(path)) as theirs:
        read = [theirs.readSignal(place) for place in range(2)]
    assert [len(one) for one in read] == [240, 240]
    assert read[0][17] == pytest.approx(-1.0)  # a rate that nobody measured
    found = open_recording(path)
    assert found.format == kind
    ours = frames(found)
    assert [t_ms for t_ms, _ in ours] == [1_000 * i for i in range(238)]
    assert [signals["hr"] for _, signals in ours] == [
        None if np.isnan(rate) else rate for rate in rates.tolist()
    ]
    for signal, theirs_of in zip(("hr", "spo2"), read, strict=True):
        values = np.array([signals[signal] for _, signals in ours], float)
        there = ~np.isnan(values)
        assert np.allclose(values[there], theirs_of[:238][there], atol=301 / 65_535)
    assert found.zero_ms == START.timestamp() * 1000
    assert any("annotation at 2.5 s for 1 s: Lights off" in note for note in found.notes) == ("+" in kind)
