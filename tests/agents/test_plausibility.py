"""What no working sensor reports is no reading, and everything else is listed with its frame."""

import numpy as np
from logs import frame_record

from agents.judging.plausibility import plausible
from clinical.vitals import INDEX
from streams.decoding.decoder import Decoder


def frames_of(*rates):
    records = [frame_record(i, seq=i, hr=rate, spo2=97) for i, rate in enumerate(rates)]
    return Decoder().decode(records).parts[0]


def test_frames_whose_readings_are_all_plausible_are_left_as_they_are():
    frames = frames_of(80, 81)
    kept, readings = plausible(frames)
    assert kept is frames
    assert readings.invalid is None
    assert sorted(readings.value.tolist()) == [80, 81, 97, 97]


def test_an_impossible_reading_is_missing_and_its_frame_says_so():
    kept, readings = plausible(frames_of(80, 900))
    assert readings.invalid.tolist() == [False, True]
    of_rate = readings.frame[readings.signal == INDEX["hr"]]
    assert of_rate.tolist() == [0]
    assert np.isnan(kept.of_all_signals(np.arange(2))[1, INDEX["hr"]])
