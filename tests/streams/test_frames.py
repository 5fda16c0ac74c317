"""The frame: what a device may send, and what it may not."""

import json
import math

import pytest
from pydantic import ValidationError

from clinical.vitals import ACVPU, FLAGS, SIGNALS, WINDOWED
from streams.contracts.frame import (
    EVENT_TS_MS_MAX,
    FRAME_BYTES_MAX,
    INTERVAL_MS_MAX,
    SEQ_MAX,
    TICK_KEY,
    VALUE_ABS_MAX,
    Frame,
    Tick,
    encode_tick,
)

IDENTITY = {"patient": "bed-017", "device": "mon-4c2a", "boot": 3, "seq": 7, "event_ts_ms": 1_000}


def read(**changes):
    return Frame.model_validate_json(json.dumps({**IDENTITY, **changes}))


def test_a_frame_needs_only_its_identity_and_time():
    frame = read()
    assert frame.model_fields_set == set(IDENTITY)
    assert frame.interval_ms == 1000


def test_the_fields_are_the_signals_in_the_order_of_the_table():
    assert [*Frame.model_fields][-len(SIGNALS) :] == [signal.name for signal in SIGNALS]


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_a_field_says_what_it_is_and_in_which_unit(signal):
    description = Frame.model_fields[signal.name].description
    if signal.name in ("consciousness", *FLAGS):
        assert description
    else:
        assert description.startswith(f"{signal.title}, {signal.unit};")


def test_null_is_told_from_absent():
    frame = read(spo2=None)
    assert frame.spo2 is None
    assert "spo2" in frame.model_fields_set
    assert "hr" not in frame.model_fields_set


def test_a_reading_outside_the_plausible_range_is_accepted_as_sent():
    assert read(spo2=0, temp=384.5).temp == 384.5


@pytest.mark.parametrize("letter", ACVPU)
def test_every_level_of_consciousness_is_accepted(letter):
    assert read(consciousness=letter).consciousness == letter


@pytest.mark.parametrize(
    "changes",
    [
        {"seq": SEQ_MAX},
        {"boot": SEQ_MAX},
        {"event_ts_ms": 0},
        {"event_ts_ms": EVENT_TS_MS_MAX},
        {"interval_ms": 1},
        {"interval_ms": INTERVAL_MS_MAX},
        {"hr": VALUE_ABS_MAX},
        {"hr": -VALUE_ABS_MAX},
        {"patient": "x" * 64},
        {"patient": "Ward7.bed:3@east-1_a"},
    ],
)
def test_a_value_at_its_bound_is_accepted(changes):
    read(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"seq": SEQ_MAX + 1},
        {"seq": -1},
        {"seq": "7"},
        {"seq": True},
        {"seq": 7.5},
        {"boot": None},
        {"event_ts_ms": EVENT_TS_MS_MAX + 1},
        {"interval_ms": 0},
        {"interval_ms": INTERVAL_MS_MAX + 1},
        {"interval_ms": None},
        {"hr": VALUE_ABS_MAX * 1.01},
        {"hr": "72"},
        {"hr": True},
        {"hr": [72]},
        {"hr": {"value": 72}},
        {"consciousness": "a"},
        {"consciousness": 0},
        {"on_oxygen": 1},
        {"on_oxygen": "yes"},
        {"patient": ""},
        {"patient": "x" * 65},
        {"patient": "-bed"},
        {"patient": "bed 17"},
        {"patient": "bed\n"},
        {"patient": "bed-17\n"},
        {"patient": "Zoë"},
        {"patient": TICK_KEY.decode()},
        {"device": None},
        {"heart_rate": 72},
        {"SpO2": 97},
    ],
    ids=str,
)
def test_a_wrong_field_is_refused(changes):
    with pytest.raises(ValidationError) as caught:
        read(**changes)
    assert caught.value.errors()[0]["loc"][0] in changes


@pytest.mark.parametrize("name", IDENTITY)
def test_a_frame_without_identity_or_time_is_refused(name):
    frame = {key: value for key, value in IDENTITY.items() if key != name}
    with pytest.raises(ValidationError, match="required"):
        Frame.model_validate_json(json.dumps(frame))


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_does_not_know_is_refused(number):
    with pytest.raises(ValidationError):
        read(hr=number)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"72", b'"frame"', b"\xff\xfe", b"{}"])
def test_what_is_no_json_object_of_a_frame_is_refused(data):
    with pytest.raises(ValidationError):
        Frame.model_validate_json(data)


def test_a_frame_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        read().hr = 80


def test_a_frame_of_every_signal_is_far_below_the_bound_on_bytes():
    longest = dict.fromkeys(("patient", "device"), "x" * 64)
    readings = {signal.name: -9999.999999 for signal in SIGNALS[:WINDOWED]}
    said = {"consciousness": "A"} | dict.fromkeys(FLAGS, False)
    text = json.dumps({**IDENTITY, **longest, "seq": SEQ_MAX, **readings, **said})
    Frame.model_validate_json(text)
    assert len(text) < 700 < FRAME_BYTES_MAX


def test_a_tick_is_read_back_as_it_was_written():
    assert Tick.model_validate_json(encode_tick(1_234)) == Tick(tick_ts_ms=1_234)


def test_a_tick_is_no_frame_and_a_frame_no_tick():
    with pytest.raises(ValidationError):
        Frame.model_validate_json(encode_tick(1_234))
    with pytest.raises(ValidationError):
        Tick.model_validate_json(json.dumps(IDENTITY))
