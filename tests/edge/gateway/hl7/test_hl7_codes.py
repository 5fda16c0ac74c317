"""The table of codes: every number and name, units, and what disagrees."""

import pytest

from clinical.vitals import REPORTED, SIGNALS
from edge.gateway.hl7.codes import flag_of, signal_of, unit_named
from edge.gateway.hl7.split import USUAL_MARKS
from edge.gateway.terms import ARTERIAL, DISCONNECTED, EVENTS, TERMS, UNITS

MEASURED = [signal for signal in SIGNALS if signal.mdc]


def named(identifier):
    found = signal_of(identifier, "", USUAL_MARKS)
    return found if isinstance(found, str) else found.signal


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.names[0])
def test_a_term_is_known_by_its_number_its_names_and_both(term):
    for name in term.names:
        for identifier in (
            f"{term.number}^{name}^MDC",
            f"{term.number}^^MDC",
            f"{term.number}",
            f"{name}^^MDC",
            f"^{name}",
            f"17^local^L^{term.number}^{name}^MDC",
        ):
            assert named(identifier) == term.name, identifier


@pytest.mark.parametrize("signal", MEASURED, ids=lambda signal: signal.name)
def test_every_measured_signal_is_known_by_its_codes_of_clinical_vitals(signal):
    assert signal.mdc in {term.number for term in TERMS if term.name == signal.name}
    assert named(f"{signal.mdc}^{signal.mdc_name}^MDC") == signal.name


def test_every_row_says_where_it_was_seen_and_no_code_stands_twice():
    rows = [*TERMS, *EVENTS, DISCONNECTED]
    assert all(term.source for term in rows)
    keys = [key for term in rows for key in (term.number, *term.names)]
    assert len(keys) == len(set(keys))


def test_events_are_of_the_partition_of_events_and_metrics_of_that_of_metrics():
    assert {term.number >> 16 for term in TERMS} == {2}
    assert {term.number >> 16 for term in (*EVENTS, DISCONNECTED)} == {3}
    assert {number >> 16 for number, _, _ in UNITS} == {4}


def test_every_flag_has_an_event():
    assert {term.name for term in (*EVENTS, DISCONNECTED)} == set(REPORTED)


def test_a_number_and_a_name_of_two_signals_are_neither():
    assert named("150021^MDC_PRESS_BLD_ART_SYS^MDC") == "codes-disagree"


def test_a_name_of_the_same_signal_beside_another_number_is_that_signal():
    assert named("149522^MDC_PULS_RATE^MDC") == "pulse"


@pytest.mark.parametrize(
    "identifier",
    [
        "",
        "150456^SpO2^99ACME",
        "150388^MDC_TEMP_SKIN^MDC",
        "8310-5^Temperature^L",
        "1504560",
        "MDC_",
        "^^^^^^^^^^",
        "~~~",
    ],
)
def test_what_is_no_code_of_ours_is_none(identifier):
    assert named(identifier) == ""


def test_loinc_codes_are_known_by_their_system():
    assert named("8867-4^Heart rate^LN") == "hr"
    assert named("59408-5^SpO2^LN") == "spo2"


@pytest.mark.parametrize(
    ("signal", "unit", "reading", "ours"),
    [
        ("temp", "266560^MDC_DIM_FAHR^MDC", 98.6, 37.0),
        ("temp", "268224^MDC_DIM_FAHR^MDC", 98.6, 37.0),  # a wrong number beside a right name, as seen
        ("temp", "[degF]^^UCUM", 98.6, 37.0),
        ("temp", "266528^MDC_DIM_KELVIN^MDC", 310.15, 37.0),
        ("temp", "Cel", 37.0, 37.0),
        ("temp", "°C", 37.0, 37.0),
        ("abp_sys", "265987^MDC_DIM_KILO_PASCAL^MDC^kPa^kPa^UCUM", 16.0, 120.0099),
        ("abp_sys", "mm[Hg]", 120.0, 120.0),
        ("hr", "264864^MDC_DIM_BEAT_PER_MIN^MDC", 80.0, 80.0),
        ("hr", "{beats}/min", 80.0, 80.0),
        ("resp", "17^breaths/min^99X", 14.0, 14.0),
        ("spo2", "", 97.0, 97.0),
        ("spo2", '""', 97.0, 97.0),
        ("fio2", "262688^MDC_DIM_PERCENT^MDC", 40.0, 40.0),
    ],
)
def test_a_reading_is_converted_by_its_unit(signal, unit, reading, ours):
    assert unit_named(signal, unit, USUAL_MARKS).convert(reading) == pytest.approx(ours)


@pytest.mark.parametrize("unit", ["262656^MDC_DIM_DIMLESS^MDC", "furlong", "266016^MDC_DIM_MMHG^MDC"])
def test_a_unit_that_the_signal_does_not_come_in_is_none(unit):
    assert unit_named("spo2", unit, USUAL_MARKS) is None


@pytest.mark.parametrize("row", UNITS, ids=lambda row: row[1])
def test_every_unit_of_the_table_is_one_of_some_signal(row):
    number, name, _ = row
    for text in (f"{number}^{name}^MDC", str(number), f"{name}^^MDC"):
        assert any(unit_named(signal.name, text, USUAL_MARKS) for signal in MEASURED)


def test_an_event_is_a_flag_by_number_and_by_name():
    for term in EVENTS:
        assert flag_of(f"{term.number}^^MDC", "", USUAL_MARKS) == term.name
        assert flag_of(f"0^{term.names[0]}^MDC", "", USUAL_MARKS) == term.name
    assert flag_of("196670^MDC_EVT_LO^MDC", "", USUAL_MARKS) == ""


def test_a_disconnection_is_the_arterial_flag_only_where_the_source_is_an_arterial_line():
    event = f"{DISCONNECTED.number}^{DISCONNECTED.names[0]}^MDC"
    for number in ARTERIAL:
        assert flag_of(event, f"{number}^^MDC", USUAL_MARKS) == "abp_disconnect"
    assert flag_of(event, "0^MDC_PRESS_BLD_ART_ABP^MDC", USUAL_MARKS) == "abp_disconnect"
    assert flag_of(event, "150456^MDC_PULS_OXIM_SAT_O2^MDC", USUAL_MARKS) == ""
    assert flag_of(event, "", USUAL_MARKS) == ""
