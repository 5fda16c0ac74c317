"""Charted values become a frame of the contract, which is told at once and never repeats another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.rules import SIGN_OFF_MS
from edge.nursing.charting import HOURS_MAX, charted
from streams.contracts.frame import EVENT_TS_MS_MAX, SEQ_MAX, Frame
from streams.errors import UsageError

NOW_MS = 1_800_000_000_000


def test_what_was_looked_at_is_in_the_frame_and_nothing_else():
    frame = charted("bed-7", "nurse-7", NOW_MS, 4, {"temp": 38.4, "on_oxygen": False, "hr": None})
    assert frame.model_dump(exclude_unset=True) == {
        "patient": "bed-7",
        "device": "chart-nurse-7",
        "boot": 0,
        "seq": frame.seq,
        "event_ts_ms": NOW_MS,
        "interval_ms": 4 * 3_600_000,
        "temp": 38.4,
        "on_oxygen": False,
    }
    assert Frame.model_validate_json(frame.model_dump_json(exclude_unset=True)) == frame


def test_nothing_charted_and_what_the_contract_refuses_is_wrong_usage():
    with pytest.raises(UsageError, match="nothing is charted"):
        charted("bed-7", "n", NOW_MS, 4, {"hr": None})
    with pytest.raises(UsageError, match="patient: "):
        charted("bed 7", "n", NOW_MS, 4, {"hr": 80.0})
    with pytest.raises(UsageError, match="device: "):
        charted("bed-7", "x" * 64, NOW_MS, 4, {"hr": 80.0})
    with pytest.raises(UsageError, match="consciousness: "):
        charted("bed-7", "n", NOW_MS, 4, {"consciousness": "X"})


@given(st.integers(0, EVENT_TS_MS_MAX - 1), st.integers(1, 10_000))
def test_later_charts_have_higher_numbers_that_fit_the_contract(ms, later_ms):
    numbers = [charted("b", "n", at, 4, {"hr": 80.0}).seq for at in (ms, min(EVENT_TS_MS_MAX, ms + later_ms))]
    assert numbers[0] < numbers[1] <= SEQ_MAX


def test_no_charting_device_signs_off():
    assert charted("b", "n", NOW_MS, HOURS_MAX, {"hr": 150.0}).interval_ms < SIGN_OFF_MS
