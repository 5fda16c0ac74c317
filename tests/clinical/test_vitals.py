"""The table of signals: order, codes, and what has a window."""

import pytest

from clinical.vitals import COUNT, FLAGS, INDEX, REPORTED, SIGNALS, WINDOWED


def test_measured_signals_come_first_then_what_is_charted_then_what_the_device_reports():
    names = [signal.name for signal in SIGNALS]
    assert names[WINDOWED:] == ["consciousness", *FLAGS]
    assert names[-len(REPORTED) :] == list(REPORTED)
    assert COUNT == len(names) == len(set(names))


def test_a_signal_keeps_its_column_because_records_hold_it():
    assert [INDEX[name] for name in ("hr", "temp", "fio2", "consciousness", "asystole", "apnoea")] == [
        *(0, 10, 12, 13, 15, 16)
    ]


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_a_loinc_code_has_its_check_digit(signal):
    if signal.loinc:
        digits, check = signal.loinc.split("-")
        odd = str(2 * int(digits[::-1][::2][::-1]))
        total = sum(map(int, odd + digits[::-1][1::2]))
        assert (10 - total % 10) % 10 == int(check)


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_an_mdc_number_has_its_name(signal):
    assert bool(signal.mdc) == bool(signal.mdc_name)
