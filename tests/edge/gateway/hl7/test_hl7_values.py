"""OBX-5 as a reading."""

import math

import pytest
from hl7_world import PEER, block, desk_of, frame_of, obx, segments, taken
from hypothesis import given
from hypothesis import strategies as st

from clinical.vitals import INDEX, SIGNALS
from edge.gateway.hl7.split import USUAL_MARKS
from edge.gateway.hl7.values import value_of
from edge.gateway.terms import Known
from edge.readers.units import Unit
from streams.decoding.wire_frames import WireBound

SPO2 = "150456^MDC_PULS_OXIM_SAT_O2^MDC"
BOUNDS = SIGNALS[INDEX["spo2"]]
KNOWN = Known("spo2", 0, BOUNDS.low, BOUNDS.high, Unit())


def read(text, kind="NM"):
    return value_of(text, kind, USUAL_MARKS, KNOWN)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("97", 97.0),
        ("97.5", 97.5),
        ("+97", 97.0),
        ("097", 97.0),
        ("97.", 97.0),
        (" 97 ", 97.0),
        ("=97", 97.0),
    ],
)
def test_a_number_is_a_reading(text, value):
    assert read(text) == (value, "")


@pytest.mark.parametrize(
    "text", ["", '""', " ", "---", "-", "--.-", "N/A", "-100", "-999", "127", "255", "65535", "8388607"]
)
def test_what_says_that_there_is_none_is_null_and_no_fault(text):
    assert read(text) == (None, "")


@pytest.mark.parametrize(
    "text", ["8.0^9.0", "98~97", "36,6", "1e2", "0x61", "nan", "inf", "٩٧", "9_7", "97 %", "low", "1^", "&97"]
)
def test_what_is_no_plain_number_is_null_and_told(text):
    value, fault = read(text)
    assert value is None
    assert fault == ("" if text == "nan" else "no-number")


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        (">99", WireBound(">", 99.0)),
        ("<85", WireBound("<", 85.0)),
        (">= 90", WireBound(">=", 90.0)),
        ("<=85.5", WireBound("<=", 85.5)),
    ],
)
def test_a_bound_is_no_value_and_is_told(text, bound):
    assert read(text) == (bound, "bound")
    assert read(text.replace("85", "400").replace("9", "400")) == (None, "implausible")


def test_a_bound_with_the_sign_escaped_is_one():
    assert read("\\X3E\\99") == (WireBound(">", 99.0), "bound")


@pytest.mark.parametrize(
    ("text", "found"),
    [("^97", (97.0, "")), ("=^97", (97.0, "")), (">^99", (WireBound(">", 99.0), "bound")), ("97", (97.0, "")),
     ("96^-^98", (None, "no-number")), ("^97^/", (None, "no-number")), ("", (None, ""))],
)  # fmt: skip
def test_a_structured_number_is_read_as_what_it_says(text, found):
    assert read(text, "SN") == found


def test_what_no_sensor_reports_is_null_and_told():
    assert read("400") == (None, "implausible")
    assert read("0") == (None, "implausible")


@given(st.text(max_size=12), st.sampled_from(["NM", "SN", "ST"]))
def test_whatever_stands_there_becomes_a_plausible_number_or_null(text, kind):
    value, _ = read(text, kind)
    assert value is None or (math.isfinite(value) and KNOWN.low <= value <= KNOWN.high)


@pytest.mark.parametrize("status", ["", "F", "R", "P", "C", "S", "U"])
def test_a_result_of_whatever_standing_is_a_reading(status):
    assert frame_of(obx(SPO2, "97", f11=status)).spo2 == 97.0


def test_a_result_that_could_not_be_had_is_null():
    assert frame_of(obx(SPO2, "97", f11="X")).spo2 is None


@pytest.mark.parametrize("flags", ["INV", "NAV", "TEST", "DEMO", "CAL", "H~INV", "DEMO~N"])
def test_a_reading_that_the_device_marks_as_none_is_null(flags):
    assert frame_of(obx(SPO2, "97", f8=flags)).spo2 is None


@pytest.mark.parametrize("flags", ["H", "L~PM", "QUES", ""])
def test_a_reading_with_an_alarm_or_a_doubt_is_a_reading(flags):
    assert frame_of(obx(SPO2, "80", f8=flags)).spo2 == 80.0


@pytest.mark.parametrize(
    ("status", "reason"),
    [("D", "withdrawn"), ("W", "withdrawn"), ("I", "not-a-result"), ("N", "not-a-result")],
)
def test_what_is_withdrawn_or_still_to_come_is_left_out_and_told(status, reason):
    desk = desk_of()
    left = desk.take(block(segments(obx(SPO2, "97", f11=status), obx())), PEER)
    assert [one.frame.hr for one in left.readings] == [80.0]
    assert desk.counted.reasons == {reason: 1}
    assert taken(block(segments(obx(SPO2, "97", f11=status)))).refusal.reason == "no-observation"


def test_a_wave_is_no_reading():
    assert taken(block(segments(obx(SPO2, "97^98^96", f2="NA")))).refusal.reason == "no-observation"


def test_a_reading_in_a_unit_that_is_not_known_is_null():
    assert frame_of(obx(SPO2, "0.97", "262656^MDC_DIM_DIMLESS^MDC")).spo2 is None
