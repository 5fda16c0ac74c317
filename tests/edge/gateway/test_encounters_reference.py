"""Encounters that fhir.resources has built, read by a plain reference and by the gateway: the same patients in beds."""

import json
from itertools import pairwise

import pytest
from fhir.resources.deviceassociation import DeviceAssociation
from fhir.resources.encounter import Encounter as EncounterR5
from fhir.resources.location import Location as LocationR5
from fhir.resources.R4B.encounter import Encounter as EncounterR4
from fhir.resources.R4B.location import Location as LocationR4
from fhir_stays import association, at_bed, encounter, period, place
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import decode

from edge.gateway.accept import Refusal
from edge.gateway.fhir import resources
from edge.gateway.fhir.device_associations import association_report
from edge.gateway.fhir.encounters import visit_report
from edge.gateway.fhir.fhir_places import place_report
from edge.gateway.pseudonym import Pseudonyms

SHARED = ["planned", "in-progress", "cancelled", "entered-in-error", "unknown"]
R4_STATUS = [*SHARED, "arrived", "triaged", "onleave", "finished"]
R5_STATUS = [
    "planned",
    "in-progress",
    "on-hold",
    "discharged",
    "completed",
    "cancelled",
    "discontinued",
    "entered-in-error",
    "unknown",
]
GONE = {"finished", "discharged", "completed", "discontinued"}
minutes = st.none() | st.integers(-60, 60)
spans = st.tuples(minutes, minutes)
stays = st.lists(
    st.tuples(
        st.sampled_from(["icu:1", "icu:2", "icu:3"]),
        spans,
        st.sampled_from(["active", "completed", "planned", "reserved"]),
    ),
    min_size=1,
    max_size=4,
)


def epoch_ms(at):
    return None if at is None else round(at.timestamp() * 1000)


def expected(model, whole):
    """Return (place, from, until) of each stay, rising, None where it is refused: slowly, from the read model."""
    if model.status in ("planned", "cancelled", "entered-in-error"):
        return []
    over = model.status in GONE
    start, end = (epoch_ms(whole.start), epoch_ms(whole.end)) if whole else (None, None)
    found = []
    for one in model.location:
        if one.status in ("planned", "reserved"):
            continue
        since = epoch_ms(one.period.start) if one.period and one.period.start else start
        until = epoch_ms(one.period.end) if one.period and one.period.end else None
        if over and end is not None:
            until = end if until is None else min(until, end)
        if since is None or (until is None and (over or one.status == "completed")):
            return None
        if until is not None and until < since:
            return None
        if until != since:
            found.append((one.location.identifier.value, since, until))
    found.sort(key=lambda one: one[1])
    apart = all(a[2] is not None and a[2] <= b[1] for a, b in pairwise(found))
    return found if apart else None


def is_forward(span):
    return None in span or span[0] <= span[1]


@pytest.mark.parametrize(
    ("model", "name", "statuses"),
    [(EncounterR4, "period", R4_STATUS), (EncounterR5, "actualPeriod", R5_STATUS)],
)
@given(data=st.data(), said=stays, whole=spans)
def test_the_gateway_reads_what_a_plain_reader_of_fhir_resources_models_reads(
    model, name, statuses, data, said, whole
):
    status = data.draw(st.sampled_from(statuses))
    made = encounter(*(at_bed(bed, *span, state) for bed, span, state in said), status=status)
    made[name] = period(*whole) or None
    kind = {"coding": [{"code": "IMP"}]}
    made["class"] = kind["coding"][0] if model is EncounterR4 else [kind]
    read = model.model_validate({key: value for key, value in made.items() if value is not None})
    told = visit_report(decode(read.model_dump_json(), type=resources.Encounter), "1", {}, Pseudonyms())
    backwards = not all(
        map(is_forward, [whole, *(span for _, span, state in said if state in ("active", "completed"))])
    )
    wanted = None if status == "unknown" else expected(read, getattr(read, name))
    if wanted is None or (backwards and not is_forward(whole)):
        assert isinstance(told, Refusal)
    elif isinstance(told, Refusal):
        assert backwards
        assert told.reason == "invalid"
    else:
        assert [(one.place, one.from_ms, one.until_ms) for one in told.stays] == wanted


@given(st.sampled_from(["attached", "implanted", "explanted", "entered-in-error", "unknown"]), spans)
def test_a_device_association_that_fhir_resources_built_is_read_as_it_was_given(status, span):
    made = DeviceAssociation.model_validate(association(status, period(*span) or {"id": "x"}))
    text = made.model_dump_json()
    told = association_report(decode(text, type=resources.DeviceAssociation), "1", "s", Pseudonyms())
    since, until = epoch_ms(made.period.start), epoch_ms(made.period.end)
    if isinstance(told, Refusal):
        needs = {"explanted": until, "entered-in-error": since}.get(
            status, 0 if (since, until) != (None, None) else None
        )
        assert status == "unknown" or needs is None or not is_forward(span)
        return
    assert (told.device, told.patient) == ("mon-a", "p-1")
    assert (told.from_ms, told.until_ms) == (since, since if status == "entered-in-error" else until)


@pytest.mark.parametrize("model", [LocationR4, LocationR5])
def test_a_location_that_fhir_resources_built_is_read_as_it_was_given(model):
    text = model.model_validate(place(name="Bed 1")).model_dump_json()
    assert place_report(decode(text, type=resources.Location), "7").place == "icu:1"
    unnamed = json.loads(text)
    del unnamed["identifier"]
    assert place_report(decode(json.dumps(unnamed), type=resources.Location), "7").place.startswith("Bed-1-")
