"""Reports of SDC as frames: codes, units, validity, age, times, numbers."""

from decimal import Decimal

import pytest

from edge.gateway.sdc.metric_frames import TOGETHER_MS, framed
from edge.gateway.sdc.state_copies import Metric, StateReport

NOW_S = 1_700_000_000.0
HR = {"handle": "hr", "codes": (("147842", ""),), "unit": "264864", "value": Decimal(72)}
SPO2 = {"handle": "spo2", "codes": (("150456", ""),), "unit": "262688", "value": Decimal(97)}


def metric(**changes):
    given = {
        "version": 1,
        "validity": "Vld",
        "mode": "Real",
        "activation": "On",
        "determined_s": NOW_S,
        **HR,
        **changes,
    }
    return Metric(**given)


def report(*metrics, version=7):
    return StateReport("urn:uuid:1 0", version, metrics, (), 1_000, NOW_S)


def made(*metrics, version=7):
    found = framed(report(*metrics, version=version), "dev", "", age_s_max=10.0)
    return found.frames, found.faults


def one(**changes):
    (frame,), faults = made(metric(**changes))
    return frame.hr, faults


def test_metrics_of_one_time_are_one_frame():
    frames, faults = made(metric(), metric(**SPO2))
    assert [(frame.hr, frame.spo2, frame.event_ts_ms) for frame in frames] == [(72, 97, NOW_S * 1000)]
    assert faults == []


def test_times_that_are_apart_are_frames_in_their_order():
    later = NOW_S + 2 * TOGETHER_MS / 1000
    frames, _ = made(metric(determined_s=later), metric(**SPO2))
    assert [(frame.spo2, frame.hr) for frame in frames] == [(97, float("-inf")), (float("-inf"), 72)]
    assert frames[0].seq < frames[1].seq


def test_the_same_report_has_the_same_number_and_another_has_another():
    assert made(metric())[0] == made(metric())[0]
    assert made(metric())[0][0].seq != made(metric(), version=8)[0][0].seq


@pytest.mark.parametrize("validity", ["Vld", "Vldated", "Qst"])
def test_a_valid_reading_is_taken(validity):
    assert one(validity=validity) == (72, [])


@pytest.mark.parametrize("validity", ["Inv", "Calib", "NA", "Oflw", "Uflw", "", "new"])
def test_what_is_not_valid_is_attached_without_a_reading_though_the_value_stays(validity):
    assert one(validity=validity) == (None, [])


def test_an_invalid_state_with_the_time_of_its_last_reading_is_told_of_now():
    (frame,), faults = made(metric(validity="Inv", determined_s=NOW_S - 300))
    assert (frame.hr, frame.event_ts_ms, faults) == (None, NOW_S * 1000, [])


def test_a_measurement_that_has_begun_is_neither_new_nor_gone():
    assert made(metric(validity="Ong")) == ([], [])


@pytest.mark.parametrize(
    ("determined_s", "fault"),
    [
        (NOW_S - 10.1, "stale"),
        (NOW_S + 10.1, "clock-ahead"),
        (None, "no-time"),
        (float("nan"), "no-time"),
        (float("inf"), "no-time"),
    ],
)
def test_a_value_whose_age_is_not_within_the_bound_is_never_taken(determined_s, fault):
    assert made(metric(determined_s=determined_s)) == ([], [fault])


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"mode": "Demo"}, "not-real"),
        ({"mode": "Test"}, "not-real"),
        ({"activation": "Off"}, ""),
        ({"value": None}, "no-number"),
        ({"value": Decimal("NaN")}, "no-number"),
        ({"value": Decimal("1E+999999")}, "no-number"),
        ({"value": Decimal(5000)}, "implausible"),
        ({"unit": "268192"}, "unknown-unit"),
        ({"unit": ""}, "unknown-unit"),
        ({"unit": "a^b"}, "unknown-unit"),
    ],
)
def test_what_is_no_reading_is_null_with_its_reason(changes, fault):
    assert one(**changes) == (None, [fault] if fault else [])


def test_units_are_converted():
    codes = (("150344", ""),)
    (frame,), _ = made(metric(handle="t", codes=codes, unit="266560", value=Decimal("98.6")))
    assert frame.temp == pytest.approx(37.0)


def test_a_private_code_counts_by_its_translation():
    codes = (("77", "urn:oid:1.2.3"), ("147842", "urn:oid:1.2.840.10004.1.1.1.0.0.1"))
    assert one(codes=codes) == (72, [])


def test_other_metrics_are_passed_over():
    assert made(metric(codes=(("999", ""),)), metric(codes=(("1^2", ""),)), metric(codes=())) == ([], [])


def test_of_two_metrics_of_a_signal_the_first_in_the_table_of_codes_counts():
    pulse = {"unit": "264864", "value": Decimal(60)}
    oximeter = metric(handle="b", codes=(("149530", ""),), **pulse)
    other = metric(handle="a", codes=(("149546", ""),), **pulse | {"value": Decimal(90)})
    for order in ((oximeter, other), (other, oximeter)):
        assert made(*order)[0][0].pulse == 60
