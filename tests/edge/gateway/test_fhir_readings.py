"""Observations as frames: what one says, in which order frames come, and which numbers they have."""

from itertools import permutations

import msgspec
import pytest
from fhir_world import AT, MDC, coded, observation, quantity

from clinical.vitals import COUNT
from edge.gateway.fhir.fhir_readings import Seen, frames_of, seen_in
from edge.gateway.fhir.resources import Observation
from edge.gateway.numbering import APART_MAX, numbered_apart
from edge.gateway.pseudonym import Pseudonyms
from tables.device_rows import SEEN

PANEL = {"code": coded("85354-9"), "valueQuantity": None}
LATER = AT.replace("12:00:00", "12:00:01")


def seen(**changes):
    """Return an Observation as it is read."""
    made = msgspec.convert(observation(**changes), Observation)
    found = seen_in(made, "", Pseudonyms())
    assert isinstance(found, Seen), found
    return found


def component(code, value=None, system=MDC, unit="%"):
    """Return a component; without a value it says that there is none."""
    said = (
        {"dataAbsentReason": {"text": "off"}} if value is None else {"valueQuantity": quantity(value, unit)}
    )
    return {"code": coded(code, system), **said}


def event(code, is_on):
    return seen(code=coded(code, MDC), valueQuantity=None, valueBoolean=is_on)


@pytest.mark.parametrize("left", [None, 96])
def test_two_components_of_one_signal_of_which_one_is_null_are_told_apart_from_others(left):
    found = seen(**PANEL, component=[component("150456", 97), component("150472", left)])
    assert [(one.signal, one.value) for one in found.said] == [("spo2", 97.0), ("spo2", left)]
    back = seen(**PANEL, component=[component("150472", left), component("150456", 97)])
    assert found.identity == back.identity
    assert frames_of([found], 1_000)[0][0].frame.spo2 == 97.0


def test_a_value_that_could_not_be_had_is_null_whatever_the_components_beside_it_hold():
    oxygen = component("3150-0", 40, system="http://loinc.org")
    flow = component("3151-8", 2, system="http://loinc.org", unit="L/min")
    absent = {"valueQuantity": None, "dataAbsentReason": {"text": "off"}}
    found = seen(**absent, component=[oxygen, flow])
    assert {one.signal: one.value for one in found.said} == {"spo2": None, "fio2": 40.0}
    assert [one.value for one in seen(**absent, component=[flow]).said] == [None]


def test_of_several_events_that_are_one_flag_a_yes_counts_wherever_it_stands():
    events = [event("199680", False), event("199892", True), event("199900", False)]
    for order in permutations(events):
        ((reading,), _) = frames_of(order, 1_000)
        assert reading.frame.apnoea is True


def test_of_two_values_that_are_equally_well_known_the_same_counts_in_any_order():
    pair = [seen(), seen(valueQuantity=quantity(96))]
    there, back = (frames_of(order, 1_000)[0][0].frame for order in (pair, pair[::-1]))
    assert there == back


def test_frames_of_a_bundle_are_in_the_order_of_their_times_and_each_answer_is_its_own_frames():
    given = [
        seen(effectiveDateTime=LATER),
        seen(),
        seen(effectiveDateTime=LATER, code=coded("9279-1"), valueQuantity=quantity(15, "/min")),
    ]
    readings, where = frames_of(given, 1_000)
    times = [one.frame.event_ts_ms for one in readings]
    assert times == sorted(times)
    assert where == [1, 0, 1]
    assert [readings[place].frame.event_ts_ms for place in where] == [one.at_ms for one in given]


def test_numbers_of_one_moment_are_as_close_as_what_is_remembered_below_a_devices_highest():
    assert APART_MAX == SEEN
    numbers = [numbered_apart(1, f"{name}", slot, COUNT) for slot in range(COUNT) for name in range(100)]
    assert max(numbers) - min(numbers) < SEEN
    by_slot = [set(numbers[slot * 100 : slot * 100 + 100]) for slot in range(COUNT)]
    assert sum(map(len, by_slot)) == len(set().union(*by_slot))


@pytest.mark.parametrize("code", ["150036", "MDC_PRESS_BLD_ART_ABP", "MDC_PRESS_BLD_ART", "150032"])
def test_a_panel_of_an_arterial_line_is_one_by_number_and_by_name(code):
    pressure = component("8480-6", 120, system="http://loinc.org", unit="mm[Hg]")
    found = seen(code=coded(code, MDC), valueQuantity=None, component=[pressure])
    assert [one.signal for one in found.said] == ["abp_sys"]
