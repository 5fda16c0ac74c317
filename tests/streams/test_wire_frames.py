"""Frames as they come: wide and narrow decoders read the same, and written ones come back."""

import msgspec
import numpy as np
import pytest

from clinical.vitals import ABSENT, ACVPU
from streams.contracts.frame import Frame
from streams.decoding.wire_frames import (
    CARRIED,
    CHARTED,
    READINGS,
    RefiledFrame,
    decode_frame,
    decode_refiled,
    decoder_of,
)

IDENTITY = {"patient": "bed-1", "device": "mon-a", "boot": 1, "seq": 7, "event_ts_ms": 1_000}


def text(**fields):
    return msgspec.json.encode({**IDENTITY, **fields})


def test_the_fields_are_those_of_the_public_contract():
    assert {given.name for given in msgspec.structs.fields(RefiledFrame)} == set(Frame.model_fields)
    assert {*READINGS, *CHARTED} == set(CARRIED)


def test_what_is_absent_is_left_out_when_a_frame_is_written():
    found = decode_frame(text(hr=60.0, spo2=None))
    assert (found.hr, found.spo2, found.resp) == (60.0, None, ABSENT)
    assert msgspec.json.decode(msgspec.json.encode(found)) == {**IDENTITY, "hr": 60.0, "spo2": None}


def test_a_narrow_decoder_reads_its_signals_and_refuses_a_frame_with_others():
    narrow = decoder_of(("hr", "consciousness"))
    found = narrow(text(hr=60.5, consciousness="V"))
    assert (found.patient, found.hr, found.consciousness) == ("bed-1", 60.5, "V")
    with pytest.raises(msgspec.ValidationError):
        narrow(text(hr=60.5, resp=12))
    assert decoder_of(("hr", "consciousness")) is narrow


@pytest.mark.parametrize("name", READINGS)
def test_a_reading_is_taken_from_its_own_field(name):
    assert READINGS[name]([decode_frame(text(**{name: 41.5})), decode_frame(text())]) == [41.5, ABSENT]


@pytest.mark.parametrize("name", CHARTED)
def test_what_is_charted_stands_for_a_number(name):
    taken, numbers = CHARTED[name]
    value, number = ("V", ACVPU.index("V")) if name == "consciousness" else (True, 1)
    found = [numbers[each] for each in taken([decode_frame(text(**{name: value})), decode_frame(text())])]
    assert found == [number, ABSENT]
    assert np.isnan(numbers[None])


def test_only_the_re_filing_s_frames_say_that_they_are_copies():
    assert decode_refiled(text(refiled=True)).refiled is True
    with pytest.raises(msgspec.ValidationError):
        decode_frame(text(refiled=True))
