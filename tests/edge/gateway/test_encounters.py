"""Encounters of R4 and R5 put patients into beds, as ADT does."""

import pytest
from fhir_stays import Ward, association, at_bed, encounter, moment, ms, period, place, put_in, reasons
from fhir_world import BOUND_MS, bundle
from gateway_world import ANYBODY

from edge.gateway.accept import Sender
from edge.gateway.forgetting import forgotten
from edge.gateway.pseudonym import Pseudonyms
from streams.contracts.association import KEPT_MS, NAMED_PLACES_MAX, Movement, NamedPlace, Visit
from streams.errors import NotStored

OTHER = {"identifier": {"system": "urn:vigil:stream", "value": "p-2"}}


@pytest.fixture
def ward():
    return Ward(mon="icu:1", mon2="icu:2")


def now_heard(minutes=0):
    return {"meta": {"lastUpdated": moment(minutes)}}


@pytest.mark.parametrize("status", ["arrived", "triaged", "in-progress", "onleave", "on-hold"])
def test_who_is_admitted_to_a_bed_has_the_device_that_stands_there(ward, status):
    assert ward.say(encounter(at_bed("icu:1", -10), status=status)) == (201, "")
    assert ward.headers["Location"].startswith("/fhir/Encounter/")
    assert ward.course(-11, -10, 0, 5) == "- p-1 p-1 p-1"
    (told,) = ward.told()
    assert isinstance(told, Visit)
    assert (told.reporter, told.stays[0].place, told.event_ts_ms) == ("anybody", "icu:1", ms(-10))


def test_a_transfer_is_two_locations_one_behind_the_other(ward):
    moved = encounter(at_bed("icu:2", -5), at_bed("icu:1", -10, -5, "completed"))
    assert ward.say(moved) == (201, "")
    assert ward.course(-11, -6, -5) == "- p-1 -"
    assert ward.course(-6, -5, 0, device="mon2") == "- p-1 p-1"


@pytest.mark.parametrize(
    ("status", "span"),
    [("finished", "period"), ("discharged", "actualPeriod"), ("completed", "actualPeriod"),
     ("discontinued", "actualPeriod")],
)  # fmt: skip
def test_who_is_discharged_leaves_the_bed_at_the_end_of_r4s_period_or_r5s(ward, status, span):
    ward.say(encounter(at_bed("icu:1", -10)))
    assert ward.say(encounter(at_bed("icu:1", -10), status=status, **{span: period(-10, -5)})) == (201, "")
    assert ward.course(-10, -6, -5, 0) == "p-1 p-1 - -"


def test_an_end_that_does_not_say_where_ends_what_is_known_and_one_under_way_leaves_it(ward):
    ward.say(encounter(at_bed("icu:1", -10)))
    assert ward.say(encounter(**now_heard())) == (201, "")
    assert ward.course(-5, 0) == "p-1 p-1"
    assert ward.say(encounter(status="finished", period=period(-10, -3))) == (201, "")
    assert ward.course(-5, -3) == "p-1 -"
    ward.say(encounter(at_bed("icu:2", -20, -10, "completed"), at_bed("icu:1", -10)))
    assert ward.say(encounter(status="finished", period=period(-20, -15))) == (201, "")
    assert ward.course(-5, 0) == "- -"
    assert ward.course(-16, -15, device="mon2") == "p-1 -"
    assert [len(one.stays) for one in ward.told()][-1] == 1


@pytest.mark.parametrize("status", ["planned", "cancelled", "entered-in-error"])
def test_what_never_was_takes_the_patient_out_of_every_bed_it_said(ward, status):
    ward.say(encounter(at_bed("icu:1", -10)))
    assert ward.say(encounter(at_bed("icu:1", -10), status=status)) == (201, "")
    assert ward.course(-10, 0) == "- -"


def test_a_newer_version_replaces_all_that_the_one_before_said(ward):
    ward.say(encounter(at_bed("icu:1", -10)))
    ward.say(encounter(at_bed("icu:2", -10)))
    assert ward.course(-5) == "-"
    assert ward.course(-5, device="mon2") == "p-1"
    assert ward.say(encounter(at_bed("icu:2", -10), subject=OTHER)) == (201, "")
    assert ward.course(-5, device="mon2") == "p-2"


def test_an_older_version_that_comes_late_is_refused_and_the_same_again_is_one(ward):
    left = encounter(at_bed("icu:1", -10, -5), **now_heard(-4))
    assert [ward.say(one)[1] for one in (left, encounter(at_bed("icu:1", -10), **now_heard(-5)), left)] == [
        "", "outdated", ""
    ]  # fmt: skip
    assert ward.course(-6, -5) == "p-1 -"
    assert len(ward.door.stored) == 1


def test_a_resend_is_one_record_by_identifier_by_if_none_exist_or_by_the_id_it_is_put_under(ward):
    unnamed = encounter(at_bed("icu:1", -10), identifier=None)
    for how in ({}, {"headers": {"Content-Type": "application/fhir+json", "If-None-Exist": "a=1"}}):
        for _ in range(2):
            assert ward.say(encounter(at_bed("icu:1", -10)) if not how else unnamed, **how) == (201, "")
    for _ in range(2):
        assert ward.say(unnamed, name="7") == (201, "")
    assert len(ward.door.stored) == 3
    assert ward.headers["Location"] == "/fhir/Encounter/7/_history/1"
    assert ward.say(unnamed) == (422, "no-identity")


def test_the_id_that_was_answered_is_the_one_to_put_the_next_version_under(ward):
    ward.say(encounter(at_bed("icu:1", -10)))
    number = ward.headers["Location"].split("/")[3]
    assert ward.say(encounter(at_bed("icu:1", -10, -5)), name=number) == (201, "")
    assert ward.course(-6, -5) == "p-1 -"
    assert ward.say(encounter(at_bed("icu:1", -10), id="8"), name=number) == (400, "invalid")
    assert ward.say(encounter(at_bed("icu:1", -10)), name="a_b") == (400, "invalid")


def test_who_is_elsewhere_in_another_visit_at_the_same_time_keeps_the_bed(ward):
    ward.say(encounter(at_bed("icu:1", -10)))
    ward.say(encounter(at_bed("ct", -6, -5), status="finished", identifier=[{"value": "2"}]))
    assert ward.course(-7, -5, 0) == "p-1 p-1 p-1"


def test_a_place_that_is_planned_or_held_empty_holds_nobody(ward):
    assert (
        ward.say(encounter(at_bed("icu:2", -10, status="planned"), at_bed("icu:1", -10, status="reserved")))[
            0
        ]
        == 201
    )
    assert ward.course(0) + ward.course(0, device="mon2") == "--"


@pytest.mark.parametrize("field", ["physicalType", "form"])
def test_of_a_ward_and_a_bed_in_it_the_bed_counts(ward, field):
    def kind(code):
        system = "http://terminology.hl7.org/CodeSystem/location-physical-type"
        return {field: {"coding": [{"system": system, "code": code}]}}

    both = encounter(at_bed("icu", -10, **kind("wa")), at_bed("icu:1", -10, **kind("bd")))
    assert ward.say(both) == (201, "")
    assert ward.course(0) == "p-1"
    assert ward.say(encounter(at_bed("icu", -10), at_bed("icu:1", -10))) == (422, "contradiction")


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        (encounter(at_bed("icu:1", -10), status="unknown"), "status"),
        (encounter(at_bed("icu:1", -10), status="in progress"), "status"),
        (encounter(at_bed("icu:1", -10, status="actve")), "status"),
        (encounter(at_bed("icu:1", -10), subject=None), "no-patient"),
        (encounter(at_bed("icu:1", -10), subject={"reference": "Group/1"}), "no-patient"),
        (encounter(at_bed("icu:1", -10), subject={"reference": "urn:uuid:1"}), "no-patient"),
        (encounter(at_bed("icu:1", -10), subject={"identifier": {"value": "M?"}}), "damaged-patient"),
        (encounter(at_bed("icu:?", -10)), "damaged-device"),
        (encounter(at_bed("icu:1")), "no-time"),
        (encounter(at_bed("icu:1", -10, status="completed")), "no-time"),
        (encounter(at_bed("icu:1", -10), status="finished"), "no-time"),
        (encounter(status="finished", period=period(-10)), "no-time"),
        (encounter(at_bed("icu:1"), period={"start": "2026-03-01"}), "no-time"),
        (encounter(at_bed("icu:1", -10, -11)), "invalid"),
        (encounter(at_bed("icu:1", -10), status="finished", period=period(-20, -15)), "invalid"),
        (encounter(at_bed("icu:1", -10), period=period(-9), actualPeriod=period(-9)), "contradiction"),
        (encounter(at_bed("icu:1", -10), at_bed("icu:2", -5)), "contradiction"),
        (encounter(), "no-place"),
        (encounter(at_bed("Location/7", -10)), "unknown-location"),
        (encounter(at_bed("http://a/Location/7", -10)), "unknown-location"),
        (encounter(at_bed("urn:uuid:7", -10)), "unknown-location"),
        (encounter({"location": {"display": "icu:1"}, "status": "active"}), "unknown-location"),
        (encounter({"status": "active"}), "unknown-location"),
        (encounter(at_bed("icu:1", -10), modifierExtension=[{"url": "x"}]), "modifier"),
        (encounter(at_bed("icu:1", -10, modifierExtension=[{"url": "x"}])), "modifier"),
        (encounter(at_bed("icu:1", -10), implicitRules="x"), "modifier"),
        (encounter(at_bed("icu:1", -10), meta={"lastUpdated": "2026"}), "no-time"),
        (encounter(*(at_bed("icu:1", -n, 1 - n) for n in range(1, 67))), "too-large"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_its_reason_and_moves_nobody(ward, what, reason):
    assert ward.say(what) == (400 if reason == "invalid" else 422, reason)
    assert ward.door.stored == []
    assert ward.course(0) == "-"


def test_a_field_of_another_type_is_a_bad_request_and_another_resource_is_told(ward):
    assert ward.say(encounter(location="icu:1")) == (400, "invalid")
    assert ward.say(place(), path="/fhir/Encounter") == (422, "resource-type")
    assert ward.say(association(), path="/fhir/Encounter") == (422, "resource-type")
    assert ward.say({"resourceType": "Patient"}, path="/fhir/Encounter") == (422, "resource-type")


def test_only_who_may_name_patients_says_who_is_where(ward):
    device = {"identify": lambda *_: Sender("mon", ("mon",))}
    for what in (encounter(at_bed("icu:1", -10)), place(), association()):
        assert ward.say(what, **device) == (403, "not-allowed")
    assert ward.door.stored == []


def test_a_record_number_is_the_same_pseudonym_as_an_observations(ward):
    ward.say(encounter(at_bed("icu:1", -10), subject={"identifier": {"system": "s", "value": "4711"}}))
    assert ward.course(0) == Pseudonyms().of("s", "4711")


def test_two_patients_in_one_bed_are_nobody_and_adt_and_encounters_count_alike(ward):
    ward.say(encounter(at_bed("icu:1", -10)))
    said = {"id": "1", "what": "admit", "place": "icu:1", "reporter": "adt", "event_ts_ms": ms(-5)}
    movement = Movement(patient="p-2", **said)
    ward.known.filing.apply(movement.key, movement, ms(0))
    assert ward.course(-6, -5) == "p-1 -"
    ward.say(encounter(at_bed("icu:1", -10, -5)))
    assert ward.course(-6, -5) == "p-1 p-2"


def test_encounters_are_believed_for_as_long_as_adt_beyond_the_newest_of_their_sender(ward):
    ward.say(encounter(at_bed("icu:1", -10)))
    bound = BOUND_MS // 60_000
    assert ward.course(bound - 10, bound - 9) == "p-1 -"
    ward.say(encounter(at_bed("icu:1", -10), **now_heard(0)))
    assert ward.course(bound, bound + 1) == "p-1 -"


def test_a_bed_is_known_by_the_location_that_was_sent_before_or_stands_in_the_same_bundle(ward):
    assert ward.say(place(), name="7") == (201, "")
    assert ward.say(encounter(at_bed("Location/7", -10))) == (201, "")
    assert ward.course(0) == "p-1"
    bed = put_in(place(identifier=[{"value": "icu:2"}])) | {"fullUrl": "urn:uuid:b"}
    for kind in ("batch", "transaction"):
        visit = encounter(at_bed("urn:uuid:b", -10), subject=OTHER, identifier=[{"value": kind}])
        assert ward.say(bundle(put_in(visit), bed, kind=kind))[0] == 200
        assert ward.course(0, device="mon2") == "p-2"


def test_an_answered_id_of_a_posted_location_is_one_to_refer_to(ward):
    ward.say(place(identifier=None, name="icu:1"))
    number = ward.headers["Location"].split("/")[3]
    assert ward.say(encounter(at_bed(f"Location/{number}/_history/1", -10))) == (201, "")
    assert ward.course(0) == "p-1"


def test_a_location_is_its_senders_own_and_one_out_of_use_is_unknown(ward):
    ward.say(place(), name="7")
    other = {"identify": lambda *_: Sender("other", ("*",), names_patients=True)}
    assert ward.say(encounter(at_bed("Location/7", -10)), **other) == (422, "unknown-location")
    assert ward.say(place(status="inactive"), name="7") == (201, "")
    assert ward.say(encounter(at_bed("Location/7", -10))) == (422, "unknown-location")
    gone = forgotten(ward.known.filing.facts, ms(0))
    assert gone == [b"~place/anybody/7"]


@pytest.mark.parametrize(
    ("what", "status", "reason"),
    [
        (place(status="closed"), 422, "status"),
        (place(mode="kind"), 422, "no-place"),
        (place(identifier=None), 422, "no-place"),
        (place(identifier=[{"value": "icu?"}]), 422, "damaged-device"),
        (place(identifier=[{"value": "7"}]), 409, "place-taken"),
    ],
)
def test_a_location_that_names_no_bed_or_anothers_is_refused(ward, what, status, reason):
    ward.say(place(identifier=[{"value": "7"}]), name="a")
    assert ward.say(what, name="b") == (status, reason)
    assert len(ward.door.stored) == 1


def test_a_sender_has_a_bounded_number_of_places(ward):
    for n in range(NAMED_PLACES_MAX):
        named = NamedPlace(id=f"n{n}", place=f"b{n}", reporter=ANYBODY.name)
        ward.known.filing.apply(named.key, named, 0)
    assert ward.say(place(), name="7") == (422, "too-many-places")
    assert ward.say(place(), name="n7") == (201, "")


def test_a_visit_is_forgotten_when_all_of_it_is_older_than_what_is_kept(ward):
    ward.say(encounter(at_bed("icu:1", -10, -5)))
    ward.say(encounter(at_bed("icu:2", -10), identifier=[{"value": "2"}]))
    facts = ward.known.filing.facts
    assert forgotten(facts, ms(-5) + KEPT_MS) == []
    (gone,) = forgotten(facts, ms(-5) + KEPT_MS + 1)
    assert facts.by_key[gone].stays[0].place == "icu:1"


def test_a_batch_is_answered_entry_by_entry_and_of_a_transaction_nothing_is_stored(ward):
    entries = [
        put_in(encounter(at_bed("icu:1", -10))),
        put_in(association(subject=OTHER, device={"identifier": {"value": "mon"}})),
        put_in(place(), "7"),
    ]
    assert ward.say(bundle(*entries, kind="transaction")) == (400, "device-associated")
    assert ward.answer["issue"][0]["expression"] == ["Bundle.entry[1]"]
    assert ward.door.stored == []
    assert ward.course(0) == "-"
    assert ward.known.filing.facts.heard_ms == {}
    assert ward.say(bundle(*entries)) == (200, "")
    assert reasons(ward.answer) == ["", "device-associated", ""]
    assert [type(one).__name__ for one in ward.told()] == ["NamedPlace", "Visit"]


@pytest.mark.parametrize(
    "request_",
    [
        {"method": "PUT"},
        {"url": "Encounter/"},
        {"url": "Encounter/7"},
        {"url": "Location"},
        {"method": "DELETE"},
    ],
)
def test_an_entrys_request_fits_its_resource(ward, request_):
    made = put_in(encounter(at_bed("icu:1", -10)), **request_)
    ward.say(bundle(made))
    expected = [""] if request_ == {"url": "Encounter/"} else ["request"]
    assert reasons(ward.answer) == expected


def test_what_kafka_does_not_have_is_not_answered_201_and_not_believed(ward):
    async def broken(*_):
        raise NotStored("Kafka did not say")

    ward.door.store = broken
    assert ward.say(encounter(at_bed("icu:1", -10))) == (503, "not-stored")
    assert ward.course(0) == "-"


def test_while_the_view_is_old_nothing_is_taken(ward):
    ward.known.is_old = True
    assert ward.say(encounter(at_bed("icu:1", -10))) == (503, "busy")
    assert ward.door.stored == []


def test_an_id_is_put_and_a_type_is_posted_to(ward):
    assert ward.say(place(), method="PUT", path="/fhir/Location") == (405, "method")
    assert ward.say(place(), method="POST", path="/fhir/Location/7") == (405, "method")
    assert ward.headers["Allow"] == "PUT"
    assert ward.say(place(), method="PUT", path="/fhir/Patient/7") == (404, "not-found")
