"""The readers on recordings of real patients; they stay outside the repository."""

import pytest

from clinical.vitals import INDEX, PLAUSIBLE_HIGH, PLAUSIBLE_LOW
from edge.readers import open_recording
from streams.contracts.frame import Frame

pytestmark = pytest.mark.recordings


@pytest.fixture
def opened(recordings):
    """Return all recordings of a pattern."""
    return lambda pattern: [open_recording(path) for path in recordings(pattern)]


def starts(recording, signal, beyond, delay_s):
    """Return the seconds at which an alarm starts: a run's first violating sample with t - onset >= delay."""
    found, onset_ms, active = [], None, False
    low, high = PLAUSIBLE_LOW[INDEX[signal]], PLAUSIBLE_HIGH[INDEX[signal]]
    for frame in recording.frames():
        value = frame.signals.get(signal)
        if value is None or not low <= value <= high:
            onset_ms = onset_ms if active else None
        elif not beyond(value):
            onset_ms, active = None, False
        else:
            onset_ms = frame.t_ms if onset_ms is None else onset_ms
            if not active and frame.t_ms - onset_ms >= delay_s * 1000:
                active = True
                found.append(frame.t_ms // 1000)
    return found


@pytest.mark.parametrize(
    ("pattern", "count", "interval_ms"),
    [
        ("bidmc/*_Numerics.csv", 32, 1_000),
        ("mimic-numerics/*.csv", 1, 60_000),
        ("vt-alarms-2015/v*.csv", 81, 1_000),
        ("sepsis-2019/*.psv", 100, 3_600_000),
    ],
)
def test_every_frame_of_every_recording_keeps_the_public_contract(opened, pattern, count, interval_ms):
    found = opened(pattern)
    assert len(found) == count
    for recording in found:
        assert recording.interval_ms == interval_ms
        common = {"patient": recording.patient, "device": "d", "boot": 0, "interval_ms": interval_ms}
        last_ms = 0
        for seq, frame in enumerate(recording.frames()):
            Frame(**common, seq=seq, event_ts_ms=frame.t_ms, **frame.signals)
            assert frame.t_ms >= last_ms
            last_ms = frame.t_ms


@pytest.mark.parametrize(
    ("signal", "beyond", "delay_s", "expected"),
    [
        ("spo2", lambda value: value < 90, 0, {"22": [48], "32": [0]}),
        ("spo2", lambda value: value < 90, 15, {"32": [15]}),
        ("hr", lambda value: value > 120, 0, {"21": [35], "25": [0, 402, 410, 475]}),
        ("hr", lambda value: value > 120, 10, {"21": [45], "25": [10, 420]}),
        ("resp", lambda value: value > 30, 0, {"14": [459]}),
        ("resp", lambda value: value < 8, 15, {"13": [78, 143, 260, 329]}),
    ],
)
def test_bidmc_frames_are_those_from_which_the_known_alarms_follow(opened, signal, beyond, delay_s, expected):
    found = {
        recording.patient.split("_")[1]: times
        for recording in opened("bidmc/*_Numerics.csv")
        if (times := starts(recording, signal, beyond, delay_s))
    }
    assert found == expected


def test_mimic_minutes_without_a_reading_are_counted_as_such(opened):
    (recording,) = opened("mimic-numerics/*.csv")
    values = [frame.signals for frame in recording.frames()]
    nulls = {
        name: sum(name in row and row[name] is None for row in values) for name in ("hr", "spo2", "abp_sys")
    }
    assert nulls == {"hr": 46, "spo2": 363, "abp_sys": 1_929}
    assert sum("nbp_sys" in row for row in values) == 152


def test_a_stay_that_begins_later_than_its_first_hour_keeps_its_hours(opened):
    begins_ms = [next(recording.frames()).t_ms for recording in opened("sepsis-2019/p10000[1-6].psv")]
    assert begins_ms == [0, 0, 0, 0, 0, 5 * 3_600_000]
